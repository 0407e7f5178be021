import { hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { InvalidOptionError } from '../../../errors.js';

/**
 * What all members of a cluster share: at least 32 random bytes, as bytes or as text in hexadecimal, base64 or base64url
 * (`npx clusterpack keygen` writes one), or a passphrase, which is weaker.
 *
 * @publicApi
 */
export type Secret = string | Uint8Array | { readonly passphrase: string };

/** Fewer could be guessed. */
export const MIN_SECRET_BYTES = 32;
/** More would not help, and are a sign that something else was given. */
const MAX_SECRET_BYTES = 1024;
/** 32 random bytes have about 30 different ones, and never so few. */
const MIN_DIFFERENT_BYTES = 8;
const MIN_PASSPHRASE_LENGTH = 16;
const MAX_PASSPHRASE_LENGTH = 1024;

/** What scrypt costs: about 32 MiB and a few tenths of a second, once per start and passphrase. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };

const KEY_BYTES = 32;
const NAME_BYTES = 8;
const TEXT = `must be at least ${MIN_SECRET_BYTES} random bytes in hexadecimal, base64 or base64url (make one with "npx clusterpack keygen"), or { passphrase: '…' }`;

/** A pre-shared key, and the name by which two nodes find the one that they share. */
export interface Key {
  /** Public: 16 hexadecimal digits that follow from the key and do not tell it. */
  readonly name: string;
  readonly psk: Uint8Array;
}

/** A new secret: 32 random bytes as text. @publicApi */
export function generateSecret(): string {
  return randomBytes(MIN_SECRET_BYTES).toString('base64url');
}

/**
 * Checks a secret without using it.
 *
 * @throws InvalidOptionError that names the option, and never the value
 */
export function checkSecret(secret: unknown, option: string): asserts secret is Secret {
  if (secret instanceof Uint8Array) checkBytes(secret, option);
  else if (typeof secret === 'string') checkBytes(decoded(secret, option), option);
  else checkPassphrase(secret, option);
}

/** The same secret, out of reach for whoever gave it. */
export function copyOf(secret: Secret): Secret {
  if (secret instanceof Uint8Array) return Uint8Array.from(secret);
  return typeof secret === 'string' ? secret : { passphrase: secret.passphrase };
}

/** The key that a checked secret stands for. A passphrase takes a while and counts in one cluster only. */
export async function keyOf(secret: Secret, clusterName: string): Promise<Key> {
  const bytes = await bytesOf(secret, clusterName);
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', bytes, '', `clusterpack ${purpose} 1`, length));
  return { name: derive('key name', NAME_BYTES).toString('hex'), psk: derive('pre-shared key', KEY_BYTES) };
}

async function bytesOf(secret: Secret, clusterName: string): Promise<Uint8Array> {
  if (secret instanceof Uint8Array) return secret;
  if (typeof secret === 'string') return decoded(secret, 'secret');
  const salt = `clusterpack passphrase 1 ${clusterName}`;
  return new Promise((resolve, reject) => {
    scrypt(secret.passphrase.normalize('NFKC'), salt, MIN_SECRET_BYTES, SCRYPT, (error, bytes) =>
      error === null ? resolve(bytes) : reject(error),
    );
  });
}

/** Digits and the letters to f are hexadecimal, whatever base64 would make of them. */
function decoded(text: string, option: string): Uint8Array {
  const trimmed = text.trim();
  if (/^(?:[0-9a-f]{2})+$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (/^[\w+/-]+={0,2}$/.test(trimmed)) return Buffer.from(trimmed, 'base64');
  throw new InvalidOptionError(option, TEXT);
}

function checkBytes(secret: Uint8Array, option: string): void {
  const bytes = secret.length;
  if (bytes < MIN_SECRET_BYTES) {
    throw new InvalidOptionError(
      option,
      `has ${bytes} bytes, but a secret needs at least ${MIN_SECRET_BYTES} random ones: make one with "npx clusterpack keygen", or write { passphrase: '…' }`,
    );
  }
  if (bytes > MAX_SECRET_BYTES) {
    throw new InvalidOptionError(option, `has ${bytes} bytes, but at most ${MAX_SECRET_BYTES} are allowed`);
  }
  if (new Set(secret).size < MIN_DIFFERENT_BYTES)
    throw new InvalidOptionError(
      option,
      'repeats a few bytes, so it is not random: make one with "npx clusterpack keygen"',
    );
}

function checkPassphrase(secret: unknown, option: string): void {
  const isObject = typeof secret === 'object' && secret !== null;
  const passphrase: unknown = isObject ? (secret as { passphrase?: unknown }).passphrase : undefined;
  if (typeof passphrase !== 'string' || Object.keys(secret as object).length !== 1) {
    throw new InvalidOptionError(option, TEXT);
  }
  const { length } = passphrase;
  if (length < MIN_PASSPHRASE_LENGTH || length > MAX_PASSPHRASE_LENGTH) {
    throw new InvalidOptionError(
      option,
      `is a passphrase of ${length} characters, but it must have from ${MIN_PASSPHRASE_LENGTH} to ${MAX_PASSPHRASE_LENGTH}`,
    );
  }
}
