import { Injectable } from '@nestjs/common';

/** Lets a controller ask the program to end; `main.ts` waits for it. */
@Injectable()
export class Shutdown {
  readonly requested: Promise<void>;
  #request!: () => void;

  constructor() {
    this.requested = new Promise((resolve) => {
      this.#request = resolve;
    });
  }

  /** Idempotent. */
  request(): void {
    this.#request();
  }
}
