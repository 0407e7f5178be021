import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeFrame } from '../../src/transport/session/codec.js';
import { FrameSplitter } from '../../src/transport/session/frame-splitter.js';
import type { Victim } from './cluster-process.js';
import { forgesVerdict, type Insider } from './insiders.js';
import { filledIn, HOST, ID, type Meaning, type Play } from './play.js';

/** Opens one connection to a node. Plain TCP by default; one over TLS is for clusters that have a secret. */
export type Dial = (to: Victim, from: string | undefined) => Promise<Duplex>;

/** A connection that a node has not closed so long after all was said hangs. */
const PATIENCE_MS = 8000;
/** How long an established link is left open for a node to find something wrong with it. */
const HOLD_MS = 60;
/** Between two whispers, so that each is heard. */
const WHISPER_MS = 2;
/** Connections from one source address have to wait for ports, since each is remembered for a minute. */
const SOURCES = 200;

/** The attacker's own sockets: dials, says what a play has, and sees that each connection ends. */
export class Attacker {
  connections = 0;
  bytesSent = 0;
  /** Ended by the node, before the attacker did. */
  closedByNode = 0;
  handshakes = 0;
  /** Could not be opened, by the error's code. */
  readonly notConnected: Record<string, number> = {};
  readonly hangs: string[] = [];
  readonly cases: Record<string, number> = {};
  /** Connections that nodes opened to the attacker's listener. */
  dialledBack = 0;
  /** Who speaks where a play is a whisper, and whose id and port the stand-ins mean. */
  insider: Insider | undefined;
  #answers: readonly (readonly Uint8Array[])[] = [];
  #answered = 0;
  #source = 0;
  readonly #open = new Set<Duplex>();

  private constructor(
    private readonly victims: readonly Victim[],
    private readonly dial: Dial,
    private readonly listener: Server,
  ) {}

  static async start(victims: readonly Victim[], dial: Dial = dialPlain): Promise<Attacker> {
    const listener = createServer((socket) => attacker.#answer(socket));
    const attacker = new Attacker(victims, dial, listener);
    await new Promise<void>((resolve) => listener.listen(0, HOST, resolve));
    return attacker;
  }

  /** Nodes that dial the attacker's address are told these, in turn. */
  set answers(answers: readonly (readonly Uint8Array[])[]) {
    this.#answers = answers;
    this.#answered = 0;
  }

  /** @param target which of the three is attacked */
  async play(play: Play, target: number): Promise<void> {
    this.cases[play.attack] = (this.cases[play.attack] ?? 0) + 1;
    if (play.isWhisper === true) return this.#whisper(play, target);
    let socket: Duplex;
    try {
      socket = await this.dial(this.victims[target]!, play.from ?? this.#nextSource());
    } catch (error) {
      const code = String((error as NodeJS.ErrnoException).code);
      if (code === 'ECONNRESET') {
        // Accepted, and closed before we came to see that: the node has its connections.
        this.connections++;
        this.closedByNode++;
      } else {
        this.notConnected[code] = (this.notConnected[code] ?? 0) + 1;
      }
      return;
    }
    this.connections++;
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    await this.#talk(socket, play, this.#meaning(target));
  }

  async #whisper(play: Play, target: number): Promise<void> {
    for (const piece of play.pieces) {
      const body = filledIn(piece, this.#meaning(target));
      if (
        forgesVerdict(
          body,
          this.victims.map(({ id }) => id),
        )
      )
        continue;
      this.bytesSent += body.length;
      this.insider?.whisper(this.victims[target]!, body);
    }
    await pause(WHISPER_MS);
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  async #talk(socket: Duplex, play: Play, meaning: Meaning): Promise<void> {
    let endedByUs = false;
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    void gone.then(() => {
      if (!endedByUs) this.closedByNode++;
    });
    socket.on('error', () => undefined);
    if (play.hello === undefined) {
      socket.resume();
    } else if (!(await this.#shakeHands(socket, play, meaning, gone))) {
      endedByUs = true;
      socket.end();
      return this.#waitFor(gone, socket, play);
    }
    for (const piece of play.pieces) {
      if (socket.destroyed) break;
      const bytes = filledIn(piece, meaning);
      this.bytesSent += bytes.length;
      socket.write(bytes);
      if (play.paceMs !== undefined) await Promise.race([pause(play.paceMs), gone]);
    }
    if (play.ends === 'wait') {
      // Strangers who have shaken hands may stay: idle links are closed after a minute only.
      if (play.hello === undefined) return this.#waitFor(gone, socket, play);
      await Promise.race([pause(HOLD_MS * 5), gone]);
    } else {
      await Promise.race([pause(play.hello === undefined ? 0 : HOLD_MS), gone]);
    }
    endedByUs = true;
    if (play.ends === 'reset' && 'resetAndDestroy' in socket) (socket as Socket).resetAndDestroy();
    else socket.end();
    await this.#waitFor(gone, socket, play);
  }

  /** @returns whether the node welcomed us */
  async #shakeHands(socket: Duplex, play: Play, meaning: Meaning, gone: Promise<void>): Promise<boolean> {
    let isWelcome = false;
    const answered = new Promise<void>((resolve) => {
      const splitter = new FrameSplitter((frame) => {
        if (frame.type === 'welcome') isWelcome = true;
        if (frame.type === 'welcome' || frame.type === 'refuse') resolve();
      });
      splitter.limitBytes = 1024 * 1024;
      socket.on('data', (piece: Uint8Array) => splitter.push(piece));
    });
    const first = filledIn(encodeFrame(play.hello!), meaning);
    this.bytesSent += first.length;
    socket.write(first);
    await Promise.race([answered, gone, patience()]);
    if (!isWelcome) return false;
    this.handshakes++;
    socket.write(encodeFrame({ type: 'ready', answer: { known: false, expected: 0 } }));
    return true;
  }

  async #waitFor(gone: Promise<void>, socket: Duplex, play: Play): Promise<void> {
    const isLate = await Promise.race([gone, patience()]);
    if (isLate === true) {
      this.hangs.push(`${play.attack}: a connection was still open after ${PATIENCE_MS} ms`);
      socket.destroy();
    }
  }

  #answer(socket: Socket): void {
    this.dialledBack++;
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => undefined);
    // In nobody's name: where nothing proves who answers, whoever answers as a member is taken for it (SECURITY.md).
    const meaning = this.#meaning(0);
    const ids = { ...meaning.ids, target: ID.target };
    const said = this.#answers[this.#answered++ % Math.max(1, this.#answers.length)] ?? [];
    socket.once('data', () => {
      for (const piece of said) {
        const bytes = filledIn(piece, { ...meaning, ids });
        this.bytesSent += bytes.length;
        socket.write(bytes);
      }
    });
    // Most are cut off by the node; the others must not pile up.
    socket.setTimeout(1500, () => socket.destroy());
  }

  #meaning(target: number): Meaning {
    const [one, two, three] = [0, 1, 2].map((n) => this.victims[(target + n) % 3]!) as [
      Victim,
      Victim,
      Victim,
    ];
    const { port } = this.listener.address() as AddressInfo;
    return {
      ids: {
        target: one.id,
        second: two.id,
        third: three.id,
        insider: this.insider?.node.local.id ?? ID.insider,
      },
      ports: {
        target: one.address.port,
        second: two.address.port,
        third: three.address.port,
        attacker: this.insider?.node.local.address.port ?? port,
      },
    };
  }

  #nextSource(): string {
    this.#source = (this.#source + 1) % SOURCES;
    return `127.1.0.${1 + this.#source}`;
  }
}

/** A plain connection. */
export function dialPlain(to: Victim, from: string | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...to.address,
      ...(from === undefined ? {} : { localAddress: from }),
      noDelay: true,
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Most never end, since something else happens first: they keep nobody. */
function patience(): Promise<true> {
  return new Promise((resolve) => void setTimeout(resolve, PATIENCE_MS, true as const).unref());
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
