/** What a command cannot do as it was asked, or where it was asked. */

/** Codes of the process, the same for every command. */
export const EXIT = { fine: 0, toMend: 1, refused: 2 } as const;

/** The message is one line for a person; the exit code is 2. */
export class Refusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refusal';
  }
}
