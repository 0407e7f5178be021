import {
  Observable,
  Subscriber,
  isObservable,
  type Observer,
  type OperatorFunction,
  type Subscription,
} from 'rxjs';

/** Told of an error that a subscriber threw, or let come without a handler for it. */
export type ReportFailure = (error: unknown) => void;

type Next<T> = (value: T) => void;

/**
 * An Observable whose subscribers cannot end the process. rxjs throws what a subscriber throws (and errors that it has no
 * handler for) from a timer, where nobody can catch it; here it is reported, and the subscription goes on. That holds for
 * what `pipe` makes of it as well, not for a combination with other Observables that somebody else makes.
 */
export class GuardedObservable<T> extends Observable<T> {
  readonly #report: ReportFailure;

  constructor(produce: (subscriber: Subscriber<T>) => (() => void) | void, report: ReportFailure) {
    super(produce);
    this.#report = report;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | Next<T> | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // An operator, or a function of rxjs that passes errors on itself.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'object' && observerOrNext !== null
        ? observerOrNext
        : {
            ...(observerOrNext && { next: observerOrNext }),
            ...(error && { error }),
            ...(complete && { complete }),
          };
    return super.subscribe({
      next: (value) => this.#guard(() => observer.next?.(value)),
      error: (reason) =>
        this.#guard(() => {
          if (observer.error) observer.error(reason);
          else this.#report(reason);
        }),
      complete: () => this.#guard(() => observer.complete?.()),
    });
  }

  override pipe(...operators: OperatorFunction<never, never>[]): Observable<never> {
    const piped = (super.pipe as (...given: readonly unknown[]) => Observable<never>).apply(this, operators);
    // The last function need not be an operator: it may make a promise, say.
    if (!isObservable(piped)) return piped;
    return new GuardedObservable((subscriber) => {
      const subscription = piped.subscribe(subscriber);
      return () => subscription.unsubscribe();
    }, this.#report);
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(error);
    }
  }
}
