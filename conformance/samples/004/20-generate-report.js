// When user clicks "Generate Report"
await triggerWorkflow('wf_report_generator', {
input: {
reportType: 'monthly',
startDate: '2024-01-01',
endDate: '2024-01-31',
format: 'pdf'
}
});
