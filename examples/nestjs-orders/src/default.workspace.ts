import { Workspace } from "@loopstack/core";

@Workspace()
export class DefaultWorkspace {}
