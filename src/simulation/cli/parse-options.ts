import { parseArgs, type ParseArgsConfig } from 'node:util';
import { InvalidOptionError } from '../../errors.js';

type Known = NonNullable<ParseArgsConfig['options']>;

type Parsed<T extends Known> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; strict: true; allowPositionals: false; tokens: true }>
>;

/**
 * Parses a command line of options, each of which may be given once.
 *
 * @throws InvalidOptionError that names the option and lists those that are allowed
 */
export function parseOptions<const T extends Known>(args: readonly string[], known: T): Parsed<T>['values'] {
  const { values, tokens } = parsed(args, known);
  const names = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new InvalidOptionError(`--${twice}`, 'is given twice');
  return values;
}

function parsed<const T extends Known>(args: readonly string[], known: T): Parsed<T> {
  try {
    return parseArgs({
      args: [...args],
      options: known,
      strict: true,
      allowPositionals: false,
      tokens: true,
    });
  } catch (cause) {
    const { message } = cause as TypeError;
    const option = /'(-[^' ]*)/.exec(message)?.[1] ?? args.find((arg) => !arg.startsWith('-')) ?? '?';
    const allowed = Object.keys(known).map((name) => `--${name}`);
    throw new InvalidOptionError(option, `is wrong: ${message}. Allowed: ${allowed.join(', ')}`, { cause });
  }
}
