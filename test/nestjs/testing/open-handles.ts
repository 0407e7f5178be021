import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';

/** Sockets, listeners and the like that are open in this process, sorted. */
export function openHandles(): readonly string[] {
  const passing = /^(FSReq|Immediate|Timeout)/;
  return process
    .getActiveResourcesInfo()
    .filter((kind) => !passing.test(kind))
    .toSorted();
}

/** How many real timers, ones without a reference too, are still set after some work that set them; Jest's own are none. */
export async function timersLeftBy(work: () => Promise<unknown>): Promise<number> {
  const inside = new AsyncLocalStorage<true>();
  const left = new Set<number>();
  const hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout' && inside.getStore() === true) left.add(id);
    },
    destroy: (id) => void left.delete(id),
  }).enable();
  try {
    await inside.run(true, work);
    await setImmediate();
    return left.size;
  } finally {
    hook.disable();
  }
}
