#!/usr/bin/env node
// `npx clusterpack`: the command line of an installed package.
import { runCommand } from './commands.js';

const { stdout, stderr, exitCode } = runCommand(process.argv.slice(2));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
