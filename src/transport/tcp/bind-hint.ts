import { formatAddress, type Address } from '../../address.js';
import { BindError } from '../../errors.js';
import { codeOf } from './system-error.js';

/** Says what to do about a listener that could not be bound. */
export function bindError(endpoint: Address, cause: unknown): BindError {
  return new BindError(formatAddress(endpoint), hintFor(endpoint, codeOf(cause), cause), { cause });
}

function hintFor({ host, port }: Address, code: string | undefined, cause: unknown): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is in use by another process. Stop that one, or set "port" to another, or to 0 for any free one`;
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${host}. Set "host" to one of its own (0.0.0.0 for all of them), and "advertise" to what others dial`;
    case 'EACCES':
    case 'EPERM':
      return `this process may not use port ${port}. Set "port" to 1024 or above`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not resolve here. Set "host" to an IP address of this machine`;
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return `this machine cannot use the address ${host}: is IPv6 switched off? Set "host" to another`;
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
