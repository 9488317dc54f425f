// `npm run init`: runs init.ts. It needs no installed dependencies, but a Node.js that can run TypeScript.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  const { runInit } = await import('./init.ts');
  await runInit();
} else {
  console.error(
    `Node.js 22.18 or newer is needed, this is ${process.versions.node}. docs/install.md shows how to run this command in a container.`,
  );
  process.exitCode = 1;
}
