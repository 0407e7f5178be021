import { memoryFixture } from '../../compliance/memory-fixture.js';
import { describeTransport } from '../../compliance/transport-compliance.js';

describeTransport('memory', () => memoryFixture({ wire: false }));
describeTransport('memory, as bytes', () => memoryFixture({ wire: true }));
