#!/usr/bin/env node
// `npx clusterpack`: the command line of an installed package.
import { runCommand } from './commands.js';

const { stdout, stderr, exitCode } = runCommand(process.argv.slice(2));
process.exitCode = exitCode;
// A full disk must not leave an empty file that is taken for a secret.
process.stdout.on('error', ({ message }) => {
  process.exitCode = 1;
  process.stderr.write(`clusterpack: nothing was written: ${message}\n`);
});
process.stdout.write(stdout);
process.stderr.write(stderr);
