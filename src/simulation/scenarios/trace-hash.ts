/**
 * A running hash of lines: equal for equal traces, and different, but for one in 2^53, for different ones.
 *
 * It is cyrb53 (bryc, public domain): two multiplicative lanes, mixed at the end.
 */
export class TraceHash {
  #high = 0xdeadbeef | 0;
  #low = 0x41c6ce57 | 0;

  add(line: string): void {
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at);
      high = Math.imul(high ^ code, 0x9e3779b1);
      low = Math.imul(low ^ code, 0x5f356495);
    }
    this.#high = Math.imul(high ^ 10, 0x9e3779b1);
    this.#low = Math.imul(low ^ 10, 0x5f356495);
  }

  /** 14 hexadecimal digits. */
  get digest(): string {
    let high = Math.imul(this.#high ^ (this.#high >>> 16), 0x85ebca6b);
    high ^= Math.imul(this.#low ^ (this.#low >>> 13), 0xc2b2ae35);
    let low = Math.imul(this.#low ^ (this.#low >>> 16), 0x85ebca6b);
    low ^= Math.imul(this.#high ^ (this.#high >>> 13), 0xc2b2ae35);
    return (
      ((low & 0x1f_ffff) >>> 0).toString(16).padStart(6, '0') + (high >>> 0).toString(16).padStart(8, '0')
    );
  }
}
