const workflow = await api.workflows.create({
name: 'Multi-Channel Notification',
steps: [
{
id: 'prepare-notification',
name: 'Prepare Notification Content',
type: 'function',
function: 'prepare-content',
next: ['send-email', 'send-sms', 'send-push'], // Parallel
},
{
id: 'send-email',
name: 'Send Email',
type: 'function',
function: 'send-email-notification',
next: 'track-results',
},
{
id: 'send-sms',
name: 'Send SMS',
type: 'function',
function: 'send-sms-notification',
next: 'track-results',
},
{
id: 'send-push',
name: 'Send Push Notification',
type: 'function',
function: 'send-push-notification',
next: 'track-results',
},
{
id: 'track-results',
name: 'Track Delivery Results',
type: 'function',
function: 'track-notification-delivery',
},
],
})
