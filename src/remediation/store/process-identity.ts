export { isAlive, ownIdentity } from '../../host/process-identity.ts';
