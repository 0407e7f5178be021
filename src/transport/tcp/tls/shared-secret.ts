import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import type { LinkCredentials } from '../../link.js';
import type { Keyring } from './keyring.js';
import { codeOf, type Objection, type TlsScheme } from './tls-security.js';

/** The only one: a fresh key exchange for each connection, the shared key as proof, and nothing about certificates. */
const CIPHER = 'ECDHE-PSK-CHACHA20-POLY1305';
const VERSION = 'TLSv1.2';

/**
 * Both sides alike. Each line closes a way in: another version or cipher would let a server with any certificate and no
 * key pass, a ticket would let a removed key resume, a trusted authority would make a certificate count (decisions 11).
 */
const SETTINGS: SecureContextOptions = {
  ciphers: CIPHER,
  minVersion: VERSION,
  maxVersion: VERSION,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  ca: [],
};

/** TLS with a key that both sides know. It proves that the other side belongs to the cluster, not who it is. */
export class SharedSecret implements TlsScheme {
  /** Keys are looked up for each handshake. */
  readonly revision = 0;
  readonly #keys: Keyring;
  /** What all dials share: no key is in it. */
  readonly #dialling: SecureContext = createSecureContext(SETTINGS);
  /** The key that each connection uses, or tries to. */
  readonly #used = new WeakMap<TLSSocket, string>();

  constructor(keys: Keyring) {
    this.#keys = keys;
  }

  connect(socket: Socket): TLSSocket {
    const { name, psk } = this.#keys.first;
    const tls = connect({
      secureContext: this.#dialling,
      socket,
      pskCallback: () => ({ psk, identity: name }),
      // There is no certificate to check; `examine` refuses any connection that has another proof.
      checkServerIdentity: () => undefined,
    });
    this.#used.set(tls, name);
    return tls;
  }

  createServer(): Server {
    return createServer({
      ...SETTINGS,
      pskCallback: (socket, identity) => {
        this.#used.set(socket, identity);
        return this.#keys.find(identity)?.psk ?? null;
      },
    });
  }

  examine(socket: TLSSocket): LinkCredentials | Objection {
    const protocol = socket.getProtocol();
    const cipher = socket.getCipher()?.name;
    if (protocol !== VERSION || cipher !== CIPHER) {
      return { objection: `it agreed on ${protocol} and ${cipher} instead of a shared key`, told: undefined };
    }
    const name = this.#used.get(socket)!;
    const keys = this.#keys;
    // Whoever holds back the end of its handshake must not outlast its key.
    if (keys.find(name) === undefined)
      return { objection: `wrong secret: the key ${name} has been removed meanwhile`, told: undefined };
    return {
      description: `key ${name}`,
      get isCurrent() {
        return keys.find(name) !== undefined;
      },
    };
  }

  explain(error: Error, side: 'dialled' | 'accepted', socket: TLSSocket): string | undefined {
    const code = codeOf(error);
    const name = this.#used.get(socket);
    if (side === 'dialled') {
      if (code.includes('UNKNOWN_PSK_IDENTITY'))
        return `wrong secret: it does not have the key ${name} that this node dials with`;
      return isWrongKey(code) ? `wrong secret: it has another key by the name ${name}` : undefined;
    }
    if (code === 'ERR_SSL_PSK_IDENTITY_NOT_FOUND') {
      const offered = name !== undefined && /^[0-9a-f]{16}$/.test(name) ? `the key ${name}` : 'a key';
      return `wrong secret: it offers ${offered}, which this node does not have (it has ${this.#keys.names.join(', ')})`;
    }
    if (isWrongKey(code)) return `wrong secret: it offers the key ${name ?? '?'} and does not have it`;
    if (code === 'ERR_SSL_NO_SHARED_CIPHER' || code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') {
      return 'it does not use a shared secret: give both the same "security" option';
    }
    return undefined;
  }
}

function isWrongKey(code: string): boolean {
  return /BAD_RECORD_MAC|DECRYPT_ERROR|DECRYPTION_FAILED|DIGEST_CHECK_FAILED/.test(code);
}
