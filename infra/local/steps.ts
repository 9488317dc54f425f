/** Returns the message of an error of unknown type. */
export const saying = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Prints an indented note below the name of a step. */
export const note = (line: string) => console.log(`          ${line}`);

/** Runs `work`, then prints one line with the name and the duration. If `work` fails, the error names the step. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    const result = await work();
    console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
    return result;
  } catch (error) {
    throw new Error(`${name}: ${saying(error)}`, { cause: error });
  }
}
