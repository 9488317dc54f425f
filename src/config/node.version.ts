/** The minimum major version of Node.js for the compiled code. */
const NEEDED = 24;

// This module must be imported first. An older Node would otherwise fail inside a dependency, with a stack trace instead of this message.
if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `Radgate needs Node.js ${NEEDED} or newer; this is ${process.versions.node}. Install it (https://nodejs.org/en/download), or run node_modules/.bin/node.\n`,
  );
  process.exit(1);
}
