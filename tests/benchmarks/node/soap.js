// One SOAP enquiry as a Node team would write it: fastify in, opossum around, the soap package out.
// Arguments: folder of the packages, the agency's address, the WSDL, the shared secret.
'use strict'
const path = require('node:path')
const { createDecipheriv } = require('node:crypto')
const [folder, url, wsdl, secret] = process.argv.slice(2)
const load = (name) => require(path.join(folder, 'node_modules', name))
const fastify = load('fastify')
const CircuitBreaker = load('opossum')
const soap = load('soap')

const KEY = Buffer.from(secret).subarray(0, 16)
const SHOWN = {
  vehicle_number: 'rc_regn_no',
  vehicle_class: 'rc_vh_class_desc',
  maker: 'rc_maker_desc',
  model: 'rc_maker_model',
  fuel: 'rc_fuel_desc',
  vehicle_status: 'rc_status',
  registration_valid_until: 'rc_regn_upto',
  fitness_valid_until: 'rc_fit_upto',
  insurance_valid_until: 'rc_insurance_upto',
  tax_valid_until: 'rc_tax_upto',
  pollution_valid_until: 'rc_pucc_upto'
}

function opened (sealed) {
  const cipher = createDecipheriv('aes-128-cbc', KEY, KEY)
  const xml = cipher.update(sealed, 'base64', 'utf8') + cipher.final('utf8')
  // A flat record: reading it by pattern is to this peer's advantage.
  const record = {}
  for (const [, name, text] of xml.matchAll(/<(\w+)>([^<]*)<\/\1>/g)) record[name] = text
  return record
}

async function main () {
  const client = await soap.createClientAsync(wsdl, { endpoint: `${url}/vahanws/VahanInfo` })
  const asked = async (plate) => {
    const [result] = await client.getDetailsAsync({ arg0: 'SIMCLIENT', arg1: plate })
    return opened(result.return)
  }
  const circuit = new CircuitBreaker(asked, { timeout: 15000, errorThresholdPercentage: 50, resetTimeout: 5000 })
  const app = fastify()
  app.post('/v1/services/:service/enquiries', async (request, reply) => {
    const plate = request.body.form.vehicle_number
    const record = await circuit.fire(plate)
    if (record.rc_regn_no !== plate) return reply.code(502).send()
    const values = Object.entries(SHOWN).map(([name, theirs]) => ({ name, value: record[theirs] }))
    return { service_id: 'rto.vehicle_record', lines: [{ agency: 'rto', result: 'VALUE', values }] }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  console.log(JSON.stringify({ port: app.server.address().port }))
}

main()
