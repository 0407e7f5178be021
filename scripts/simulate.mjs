// `npm run simulate`: the command line is in src/simulation/cli/.
import { writeSync } from 'node:fs';
import { main } from '../dist/simulation/cli/main.js';

/** Synchronous, so that nothing is lost at the exit and a trace keeps its order; a full pipe is waited for. */
function write(descriptor, text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (cause) {
      if (cause.code === 'EPIPE') process.exit(0); // `| head` has seen enough.
      if (cause.code !== 'EAGAIN') throw cause;
    }
  }
}

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => write(1, text),
  err: (text) => write(2, text),
});
