import * as v from 'valibot';
import { InvalidOptionError, clip } from '../errors.js';

/** What is wrong with something that somebody wrote. */
export interface Mistake {
  /** Where, for example `swim.probeIntervalMs`. */
  readonly path: string;
  /** Its value and what is allowed, to follow the path. */
  readonly problem: string;
}

/**
 * Checks options against a schema.
 *
 * @throws InvalidOptionError for the first mistake
 */
export function checkOptions(schema: v.GenericSchema, given: unknown): void {
  const mistake = mistakeIn(schema, given);
  if (mistake !== undefined) throw new InvalidOptionError(mistake.path, mistake.problem);
}

/**
 * The first mistake; undefined: there is none.
 *
 * @param whole what to call what is given, when that itself is the mistake
 */
export function mistakeIn(schema: v.GenericSchema, given: unknown, whole = 'options'): Mistake | undefined {
  const result = v.safeParse(schema, given);
  if (result.success) return undefined;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  if (path === null) return { path: whole, problem: wrongValue(issue) };
  const keys = path.split('.');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const siblings = partsAt(schema, keys.slice(0, -1)).flatMap(keysOf);
    return { path: clip(path), problem: unknownKey(keys.at(-1)!, [...new Set(siblings)]) };
  }
  const isMissing = issue.type === 'strict_object' && issue.input === undefined;
  return { path, problem: wrongValue((isMissing ? missing(partsAt(schema, keys)) : undefined) ?? issue) };
}

/**
 * The error for a key that is no option.
 *
 * @param path where it was written, for example `swim.probeIntervalMS`
 * @param key its last part
 * @param siblings the options that exist there
 */
export function unknownOption(path: string, key: string, siblings: readonly string[]): InvalidOptionError {
  return new InvalidOptionError(clip(path), unknownKey(key, siblings));
}

function unknownKey(key: string, siblings: readonly string[]): string {
  // Of a short key, two changes leave nothing.
  const near = Math.min(2, Math.floor(key.length / 3));
  const close = siblings.find((sibling) => distance(sibling.toLowerCase(), key.toLowerCase()) <= near);
  const hint =
    close === undefined ? `the options here are ${siblings.join(', ')}` : `did you mean "${close}"?`;
  return `is not an option; ${hint}`;
}

function wrongValue({ message, expected, input }: v.BaseIssue<unknown>): string {
  // Valibot's own words, where a schema has none.
  const allowed = message.startsWith('Invalid') ? `must be ${String(expected)}` : message;
  return `is ${show(input)}, but ${allowed}`;
}

/** A part of a schema, as far as keys are looked up in it. */
interface Part extends v.GenericSchema {
  readonly wrapped?: Part;
  readonly item?: Part;
  readonly entries?: Readonly<Record<string, Part>>;
  readonly options?: readonly Part[];
}

/** What a schema wants at a path: several things where it leaves a choice. */
function partsAt(part: Part, path: readonly string[]): readonly Part[] {
  const [key, ...rest] = path;
  if (key === undefined) return [part];
  return choicesOf(part).flatMap(({ entries, item }) => {
    const inner = entries?.[key] ?? item;
    return inner === undefined ? [] : partsAt(inner, rest);
  });
}

function keysOf(part: Part): readonly string[] {
  return choicesOf(part).flatMap(({ entries }) => Object.keys(entries ?? {}));
}

/** A part without what wraps it, or all that it leaves the choice of. */
function choicesOf(part: Part): readonly Part[] {
  if (part.wrapped !== undefined) return choicesOf(part.wrapped);
  if (part.type !== 'union' && part.type !== 'variant') return [part];
  return part.options!.flatMap(choicesOf);
}

/** Valibot says of a missing key only that it is missing; this, what the key would have to be. */
function missing(parts: readonly Part[]): v.BaseIssue<unknown> | undefined {
  return parts.flatMap((part) => v.safeParse(part, undefined).issues ?? [])[0];
}

/** A value for an error message: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `"${clip(value)}"`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** Levenshtein. Both are option names, so short; a long one is far from all of them anyway. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, change));
    }
    row = next;
  }
  return row[b.length]!;
}
