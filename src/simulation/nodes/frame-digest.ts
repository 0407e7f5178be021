import type { Frame, SessionAnswer, SessionOffer } from '../../transport/session/frame.js';

/** Positions of a payload that go into the digest: content is checked elsewhere. */
const SAMPLES = 4;

/**
 * A running digest of frames, in numbers alone, since there are many: two runs of one seed that differ in what a
 * session says, when, or on which link, have different ones.
 */
export class FrameDigest {
  /** Frames so far. */
  count = 0;
  #high = 0x2545f491 | 0;
  #low = 0x6c8e9cf5 | 0;

  add(link: number, atMs: number, frame: Frame): void {
    this.count++;
    this.#number(link);
    this.#number(Math.round(atMs * 1000));
    this.#frame(frame);
  }

  /** 16 hexadecimal digits. */
  get value(): string {
    return [this.#high, this.#low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #frame(frame: Frame): void {
    this.#text(frame.type);
    switch (frame.type) {
      case 'data':
        this.#number(frame.seq);
        this.#number(frame.stream);
        this.#number(Number(frame.first) + 2 * Number(frame.last) + 4 * Number(frame.free));
        this.#number(frame.totalBytes);
        this.#number(frame.correlation);
        this.#bytes(frame.meta, 1);
        this.#bytes(frame.chunk, Math.ceil(frame.chunk.length / SAMPLES));
        return;
      case 'ack':
        this.#number(frame.expected);
        return;
      case 'credit':
        this.#number(frame.stream);
        this.#number(frame.messages);
        this.#number(frame.bytes);
        return;
      case 'reject':
        this.#number(frame.seq);
        this.#text(frame.reason);
        return;
      case 'permit':
      case 'permit-request':
        this.#number(frame.stream);
        this.#number(frame.bytes);
        return;
      case 'goodbye':
      case 'refuse':
        this.#text(frame.reason);
        return;
      case 'hello':
        this.#text(frame.id + frame.purpose);
        this.#standing(frame.offer);
        return;
      case 'welcome':
        this.#text(frame.id);
        this.#standing(frame.answer);
        this.#standing(frame.offer);
        return;
      case 'ready':
        this.#standing(frame.answer);
        return;
      case 'protocol':
        // What the protocol says shows in the logs; that it speaks is told by the type.
        return;
    }
  }

  #standing(standing: SessionOffer | SessionAnswer | undefined): void {
    if (standing === undefined) return;
    if ('epoch' in standing) {
      this.#number(standing.epoch);
      this.#number(standing.firstUnacked);
    } else {
      this.#number(standing.expected * 2 + Number(standing.known));
    }
  }

  #text(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }

  #bytes(bytes: Uint8Array, step: number): void {
    this.#mix(bytes.length);
    for (let at = 0; at < bytes.length; at += step) this.#mix(bytes[at]!);
  }

  /** Up to 2^53. */
  #number(value: number): void {
    this.#mix(value);
    if (value > 0x7fff_ffff) this.#mix(Math.floor(value / 0x1_0000_0000));
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x9e3779b1);
    this.#high ^= this.#high >>> 15;
    this.#low = Math.imul(this.#low ^ value, 0x5f356495);
    this.#low ^= this.#low >>> 13;
  }
}
