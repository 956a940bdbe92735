// The two renderers, each on its own root, driven from outside: window.show(name, payload, data) and window.told().
import React from "react";
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";
import { JsonForms } from "@jsonforms/react";
import { vanillaCells, vanillaRenderers } from "@jsonforms/vanilla-renderers";
import Form from "@rjsf/core";
import validator from "@rjsf/validator-ajv8";

let root = null;
let told = { data: undefined, errors: undefined };
let checked = null;

const complaint = (error) => ({
  field: (error.instancePath ?? error.property ?? "").replace(/^[./]/, "").split(/[./]/)[0] || error.params?.missingProperty || "",
  rule: error.keyword ?? error.name ?? "",
});

function JsonFormsFace({ payload, data }) {
  return (
    <JsonForms
      schema={payload.data_schema}
      uischema={payload.ui_schema}
      data={data}
      renderers={vanillaRenderers}
      cells={vanillaCells}
      onChange={({ data: now, errors }) => { told = { data: now, errors: (errors ?? []).map(complaint) }; }}
    />
  );
}

function RjsfFace({ payload, data }) {
  const form = React.useRef(null);
  checked = () => {
    form.current.validateForm();
  };
  return (
    <Form
      ref={form}
      schema={payload.data_schema}
      uiSchema={payload.ui_schema}
      formData={data}
      validator={validator}
      experimental_defaultFormStateBehavior={{ constAsDefaults: "skipOneOf" }}
      noHtml5Validate
      showErrorList={false}
      onChange={({ formData }) => { told = { ...told, data: formData }; }}
      onError={(errors) => { told = { ...told, errors: errors.map(complaint) }; }}
      onSubmit={({ formData }) => { told = { data: formData, errors: [] }; }}
    />
  );
}

window.show = (name, payload, data) => {
  root?.unmount();
  document.body.innerHTML = '<main id="face"></main>';
  told = { data, errors: undefined };
  checked = null;
  root = createRoot(document.getElementById("face"));
  const Face = name === "rjsf" ? RjsfFace : JsonFormsFace;
  flushSync(() => root.render(<Face payload={payload} data={data} />));
};

window.check = () => {
  if (checked) {
    told = { ...told, errors: [] };
    checked();
  }
};

window.told = () => told;
