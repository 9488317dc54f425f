/** The major version of Node.js that the compiled code needs. */
const NEEDED = 24;

// Imported before anything else: an older Node would fail in the middle of a dependency, with a stack in place of a sentence.
if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `Radgate needs Node.js ${NEEDED} or newer, and this is ${process.versions.node}. Install it (https://nodejs.org/en/download), or run node_modules/.bin/node.\n`,
  );
  process.exit(1);
}
