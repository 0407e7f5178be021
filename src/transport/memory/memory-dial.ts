import { formatAddress, type Address } from '../../address.js';
import type { Timer } from '../../clock.js';
import { setDeadline } from '../deadline.js';
import { DialError } from '../dial-error.js';
import type { Dial, DialOutcome } from '../link.js';
import { MemoryLink } from './memory-link.js';
import type { MemoryLinks } from './memory-links.js';
import type { MemoryNetwork } from './memory-network.js';

/** One dial: there and back, each way with its delay and its cuts. */
export class MemoryDial implements Dial {
  private done = false;
  private link: MemoryLink | undefined;
  private readonly deadline: Timer;

  constructor(
    private readonly network: MemoryNetwork,
    private readonly dialler: MemoryLinks,
    private readonly address: Address,
    private readonly timeoutMs: number,
    private readonly outcome: DialOutcome,
    private readonly onDone: () => void,
  ) {
    this.deadline = setDeadline(dialler.loop, timeoutMs, () => this.expire());
    const owner = network.ownerOf(address);
    // No machine has ever had this address: nobody answers.
    if (owner === undefined) return;
    this.travel(dialler.name, owner.name, () => this.arrive(owner.name));
  }

  cancel(): void {
    if (!this.finish()) return;
    this.link?.destroy();
  }

  private arrive(name: string): void {
    const back = this.dialler.name;
    const acceptor = this.network.ownerOf(this.address)?.links;
    const rule = this.network.dialRule(back, name);
    if (rule === 'drop') return;
    const listener = rule === 'refuse' ? undefined : acceptor?.listener(this.address);
    if (acceptor === undefined || listener === undefined) {
      this.travel(name, back, () => this.tell(() => this.fail('refused', 'the connection was refused')));
      return;
    }
    const [dialled, accepted] = MemoryLink.pair(
      this.network,
      this.dialler,
      acceptor,
      formatAddress(this.address),
    );
    this.link = dialled;
    const openAtMs = this.travel(name, back, () =>
      this.tell(() => {
        if (this.finish()) dialled.open(this.outcome.opened(dialled));
      }),
    );
    // What the accepting side sends, its end included, comes after the connection itself.
    dialled.notBefore(openAtMs);
    // The kernel takes the connection up; the process learns of it when it runs.
    acceptor.loop.input(() => {
      if (acceptor.listener(this.address) === listener) accepted.open(listener.accept(accepted));
      else accepted.destroy();
    });
  }

  /** The kernel tells the dialling process. */
  private tell(what: () => void): void {
    this.dialler.loop.input(what);
  }

  /** @returns when the other end is reached, unless the way is cut then */
  private travel(from: string, to: string, arrived: () => void): number {
    const { clock } = this.network;
    const delayMs = this.network.delayMs(from, to);
    clock.setTimer(delayMs, () => {
      if (!this.done && !this.network.blocked(from, to)) arrived();
    });
    return clock.now() + delayMs;
  }

  private expire(): void {
    this.fail('silent', `no answer within ${this.timeoutMs} ms`);
    this.link?.destroy();
  }

  private fail(report: 'refused' | 'silent', problem: string): void {
    if (!this.finish()) return;
    this.outcome.failed(report, new DialError(this.address, problem));
  }

  private finish(): boolean {
    if (this.done) return false;
    this.done = true;
    this.deadline.cancel();
    this.onDone();
    return true;
  }
}
