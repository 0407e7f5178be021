import { Argument, addArgument } from '../handlers/handler-metadata.js';

/** The member that sent the message; in a member handler, the member that it is about. @publicApi */
export function Sender(): ParameterDecorator {
  return addArgument(Argument.sender);
}
