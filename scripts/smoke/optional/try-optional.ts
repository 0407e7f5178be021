import { microservices } from './microservices.js';
import { terminus } from './terminus.js';
import { tracing } from './tracing.js';

async function main(): Promise<void> {
  await microservices();
  await terminus();
  await tracing();
  console.log('what is optional works');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
