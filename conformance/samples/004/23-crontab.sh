# In your crontab or cloud scheduler
0 9 * * * curl -X POST https://api.example.com/api/v1/workflows/wf_daily_report/run \
-H "x-api-key: $API_KEY" \
-d '{"input":{}}'
