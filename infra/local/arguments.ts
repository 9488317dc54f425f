import { parseArgs, type ParseArgsConfig } from 'node:util';

/** Calls Node's `parseArgs`. For an unknown option, throws an error that lists the available options. */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [, option] = /^Unknown option '([^']*)'/.exec(error instanceof Error ? error.message : '') ?? [];
    if (option === undefined) throw error;
    const names = Object.entries(config.options ?? {}).map(([name, { default: preset }]) =>
      config.allowNegative === true && preset === true ? `--no-${name}` : `--${name}`,
    );
    throw new Error(`Unknown option '${option}'. Available: ${names.join(', ')}.`, { cause: error });
  }
}
