/**
 * Who has to act when the emulator cannot do something.
 * - `InvalidInput`: an option, the cloud assembly, the template or the data directory is wrong; the user corrects it.
 * - `NotSupported`: the stack holds something that the emulator does not implement.
 * - `ResourceFailed`: the function of a custom resource failed; the function's code or its input is wrong.
 */
export type EmulatorErrorCode = 'InvalidInput' | 'NotSupported' | 'ResourceFailed';

/** The emulator cannot start, or cannot deploy a stack. The message names the option or resource and what was found. */
export class EmulatorError extends Error {
  readonly code: EmulatorErrorCode;
  /** `ResourceFailed`: the `Reason` that the function answered; undefined if it answered nothing. */
  readonly reason: string | undefined;

  constructor(code: EmulatorErrorCode, message: string, options?: { cause?: unknown; reason?: string }) {
    super(message, options);
    this.name = 'EmulatorError';
    this.code = code;
    this.reason = options?.reason;
  }
}
