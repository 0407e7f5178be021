import { answer } from '../workers.js';
import { contenders, type ContenderName } from './contenders/index.js';
import type { Load, Yield } from './contender.js';

const contender = await contenders[process.argv[2] as ContenderName].load();
let run: ((load: Load) => Promise<Yield>) | undefined;

answer({
  serve: () => contender.serve(),
  connect: async (where: never) => {
    run = await contender.connect(where);
  },
  load: (load: Load) => run!(load),
});
