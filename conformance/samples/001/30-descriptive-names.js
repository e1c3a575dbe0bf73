// ✅ Good names
const workflow = await api.workflows.create({
name: 'Customer Onboarding with Trial Period',
steps: [
{ id: 'create-trial-account', name: 'Create Trial Account', ... },
{ id: 'send-welcome-series', name: 'Send Welcome Email Series', ... },
{ id: 'schedule-followup', name: 'Schedule 7-Day Follow-up', ... }
]
})
