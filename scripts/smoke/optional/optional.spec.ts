import { microservices } from './microservices';
import { terminus } from './terminus';

describe('the subpaths that need another package', () => {
  it('serve microservices', () => expect(microservices()).resolves.toBeUndefined(), 30_000);

  it('serve health checks', () => expect(terminus()).resolves.toBeUndefined(), 30_000);
});
