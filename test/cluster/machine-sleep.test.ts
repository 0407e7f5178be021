import { describe, expect, it } from '@jest/globals';
import { MachineSleep, type MachineClocks } from '../../src/cluster/machine-sleep.js';

class Machine implements MachineClocks {
  looks = 0;
  monotonic = 5000;
  slept = 0;
  set = 1_700_000_000_000;

  monotonicMs = (): number => this.monotonic;
  wallMs = (): number => this.set + this.monotonic + this.slept;
  uptimeMs = (): number => {
    this.looks++;
    return 3_600_000 + this.monotonic + this.slept;
  };
}

describe('the sleep of a machine', () => {
  it('is known at once, and in full', () => {
    const machine = new Machine();
    const sleep = new MachineSleep(machine);
    expect(sleep.totalMs).toBe(0);
    machine.monotonic += 10;
    machine.slept += 7200;
    expect(sleep.totalMs).toBe(7200);
    machine.slept += 1000;
    expect(sleep.totalMs).toBe(8200);
    expect(sleep.totalMs).toBe(8200);
  });

  it('is not what the wall clock says when it is set', () => {
    const machine = new Machine();
    const sleep = new MachineSleep(machine);
    for (const by of [3_600_000, -7_200_000, 500]) {
      machine.set += by;
      expect(sleep.totalMs).toBe(0);
    }
  });

  it('is found within 10 s where the wall clock was set back by as much', () => {
    const machine = new Machine();
    const sleep = new MachineSleep(machine);
    machine.slept += 5000;
    machine.set -= 5000;
    machine.monotonic += 10_000;
    expect(sleep.totalMs).toBe(5000);
  });

  it('is not looked up while clocks go side by side', () => {
    const machine = new Machine();
    const sleep = new MachineSleep(machine);
    const before = machine.looks;
    for (let i = 0; i < 100; i++) {
      machine.monotonic += 100;
      expect(sleep.totalMs).toBe(0);
    }
    expect(machine.looks - before).toBe(1);
  });

  it('is none for a machine that is awake', () => {
    expect(new MachineSleep().totalMs).toBeLessThan(1000);
  });
});
