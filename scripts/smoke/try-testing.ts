import { crashOne, simulated } from './testing.js';

async function main(): Promise<void> {
  const { raised, answer } = await crashOne();
  if (raised.join() !== 'c' || answer !== 'b')
    throw new Error(`raised ${raised.join()}, answered ${String(answer)}`);
  if (simulated() !== 'unreachable') throw new Error('the simulated crash was not seen');
  console.log('a cluster was tested');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
