import type { EventListener } from '../event-hub.js';
import type { MessageTracer } from './message-tracer.js';

/** What of a node is traced: nothing until a tracer is loaded, and nothing while that has nobody to trace for. */
export class Tracing {
  readonly #load: (() => Promise<MessageTracer | undefined>) | undefined;
  #tracer: MessageTracer | undefined;

  /** @param load gives undefined where there is no tracer; never rejects. Undefined: nothing is traced */
  constructor(load: (() => Promise<MessageTracer | undefined>) | undefined) {
    this.#load = load;
  }

  /** Undefined: nothing is to be loaded. Without waiting, virtual time goes on as if there was no tracing. */
  load(): Promise<void> | undefined {
    return this.#load?.().then((tracer) => {
      this.#tracer = tracer;
    });
  }

  /** Undefined: call as if there was no tracing. */
  get tracer(): MessageTracer | undefined {
    const tracer = this.#tracer;
    return tracer === undefined || tracer.isIdle ? undefined : tracer;
  }

  /**
   * A listener that is called in no trace. Timers and sockets remember the one in which they were made, the start of the
   * application for example; what they bring would go on with it for ever.
   */
  apart(listener: EventListener): EventListener {
    return (event) => {
      const { tracer } = this;
      return tracer === undefined ? listener(event) : tracer.apart(() => listener(event));
    };
  }
}
