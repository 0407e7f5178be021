import { parseArgs } from 'node:util';
import { generateSecret } from '../transport/tcp/tls/secrets.js';

/** What a command writes, and how the process is to end. */
export interface CommandOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const USAGE = `Usage: clusterpack <command>

Commands:
  keygen   prints a new secret for the "security" option: 32 random bytes in base64url

Options:
  --help   prints this
`;

/** A command line that is not understood. */
const MISUSE = 2;

/** Carries a command line out. `keygen` prints the secret and nothing else, so that it can be piped into a file or a vault. */
export function runCommand(args: readonly string[]): CommandOutcome {
  let wanted: { readonly help: boolean; readonly words: readonly string[] };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    wanted = { help: values.help === true, words: positionals };
  } catch (error) {
    return misuse((error as Error).message);
  }
  const [command, ...rest] = wanted.words;
  if (wanted.help) return printed(USAGE);
  if (command === undefined) return misuse('a command is missing');
  if (command !== 'keygen') return misuse(`there is no command "${command}"`);
  if (rest.length > 0) return misuse('keygen takes no arguments');
  return printed(`${generateSecret()}\n`);
}

function printed(stdout: string): CommandOutcome {
  return { stdout, stderr: '', exitCode: 0 };
}

function misuse(problem: string): CommandOutcome {
  return { stdout: '', stderr: `clusterpack: ${problem}\n\n${USAGE}`, exitCode: MISUSE };
}
