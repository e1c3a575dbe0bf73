import { Injectable } from "@nestjs/common";
import { createMark } from "./mark.ts";

/** A class that only has a name: a place in which each user has runs of their own. */
export type WorkspaceClass = abstract new (...args: never[]) => object;

export interface WorkspaceOptions {
  /** What runs name it by. Default: the class's name. */
  readonly name?: string;
}

const mark = createMark<WorkspaceOptions>("millrace.nestjs.workspace");

/** Marks a class as a workspace. It counts where it is a provider, or stands in the module's `workspaces`. */
export function Workspace(
  nameOrOptions: string | WorkspaceOptions = {},
): (target: WorkspaceClass) => void {
  const options = typeof nameOrOptions === "string" ? { name: nameOrOptions } : nameOrOptions;
  return (target) => {
    Injectable()(target);
    mark.put(target, options);
  };
}

export const readWorkspaceOptions = (target: unknown): WorkspaceOptions | undefined =>
  mark.read(target);
