import { Workspace } from "@loopstack/core";

@Workspace()
export class MainWorkspace {}

@Workspace()
export class ReportsWorkspace {}

@Workspace()
export class OrdersWorkspace {}
