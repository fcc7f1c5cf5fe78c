// Whether a process should get work, and why not; that it lives is shown by its answering at all.

export interface HealthReport {
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, boolean>>;
}

export interface Health {
  /** True when every part is. Cheap: it asks nobody, the parts know. */
  isReady(): boolean;
  report(): HealthReport;
}

/** Parts by name, such as `{ database: () => store.isReady() }`. A part that throws is not ready. */
export function openHealth(parts: Readonly<Record<string, () => boolean>>): Health {
  const report = (): HealthReport => {
    const states = Object.entries(parts).map(([name, isReady]) => [name, holds(isReady)] as const);
    return { ready: states.every(([, ready]) => ready), parts: Object.fromEntries(states) };
  };
  return { report, isReady: () => Object.values(parts).every(holds) };
}

function holds(isReady: () => boolean): boolean {
  try {
    return isReady();
  } catch {
    return false;
  }
}
