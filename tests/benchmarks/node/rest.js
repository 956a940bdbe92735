// One REST enquiry as a Node team would write it: fastify in, opossum around, undici out.
// Arguments: folder of the packages, the agency's address.
'use strict'
const path = require('node:path')
const [folder, url] = process.argv.slice(2)
const load = (name) => require(path.join(folder, 'node_modules', name))
const fastify = load('fastify')
const CircuitBreaker = load('opossum')
const { Pool } = load('undici')

const WORDS = { 'trackstatus.review': 'IN_PROGRESS' }
const pool = new Pool(url, { connections: 64 })

async function asked (form) {
  const [year, month, day] = form.date_of_birth.split('-')
  const wish = { fileNo: form.file_no, applDob: `${day}/${month}/${year}`, optStatus: 'Application_Status' }
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: '/v1/online/trackStatusForFileNo',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requestResponseMap: wish })
  })
  if (statusCode !== 200) throw new Error(`status ${statusCode}`)
  return body.json()
}

const circuit = new CircuitBreaker(asked, { timeout: 12000, errorThresholdPercentage: 50, resetTimeout: 5000 })
const app = fastify()

app.post('/v1/services/:service/enquiries', async (request, reply) => {
  const { form } = request.body
  const answer = await circuit.fire(form)
  const row = answer.requestResponseMap.applicationStatus[0]
  if (row.FILE_NO !== form.file_no) return reply.code(502).send()
  const values = { status: WORDS[row.TXT_MSG_KEY], agency_words: row.STATUS_MESSAGE, file_no: row.FILE_NO }
  const shown = Object.entries(values).map(([name, value]) => ({ name, value }))
  return { service_id: 'passport.file_status', lines: [{ agency: 'passport', result: 'VALUE', values: shown }] }
})

app.listen({ port: 0, host: '127.0.0.1' }).then(() => console.log(JSON.stringify({ port: app.server.address().port })))
