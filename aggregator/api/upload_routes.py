"""The rows of documents: uploaded, or fetched by reference."""

from aggregator.api.document_references import issuers
from aggregator.api.document_references import take as fetch
from aggregator.api.route import Route
from aggregator.api.upload_documents import listing, remove, show, take
from aggregator.api.upload_shapes import (
    DocumentDetail,
    DocumentList,
    DocumentQuery,
    DocumentRemoved,
    DocumentsQuery,
    DocumentUpload,
    IssuerList,
    ReferenceAsked,
)

UPLOADS = (
    Route(
        method="POST", path="/documents", operation_id="uploadDocument", handle=take, scope="documents.write",
        summary="Upload a document",
        about="PDF, JPEG or PNG, at most 5 MiB. It is looked through before it is ever passed on. Larger ones or bad "
        "lines: tus 1.0 at /uploads.",
        body=DocumentUpload, result=DocumentDetail, success=(201,), uploads=True,
    ),
    Route(
        method="POST", path="/documents/references", operation_id="referenceDocument", handle=fetch,
        scope="documents.write", summary="Bring an issued document by reference",
        about="Fetched now from the authority that issued it, with the citizen's consent, instead of an upload; by its "
        "URI, or by kind and number. `Prefer: wait` is the deadline.",
        body=ReferenceAsked, result=DocumentDetail, success=(201,), waits=True,
    ),
    Route(
        method="GET", path="/documents/issuers", operation_id="listDocumentIssuers", handle=issuers,
        scope="documents.read", summary="Whose documents can be brought by reference",
        about="By what the issuer's URIs begin with, and the kinds it can be asked for by number.", result=IssuerList,
    ),
    Route(
        method="GET", path="/documents", operation_id="listDocuments", handle=listing, scope="documents.read",
        summary="Documents of a citizen", about="The citizen's own, or those the portal uploaded for the citizen.",
        query=DocumentsQuery, result=DocumentList,
    ),
    Route(
        method="GET", path="/documents/{document_id}", operation_id="getDocument", handle=show,
        scope="documents.read", summary="One document", about="Whether it is here, looked through, and until when.",
        query=DocumentQuery, result=DocumentDetail,
    ),
    Route(
        method="DELETE", path="/documents/{document_id}", operation_id="removeDocument", handle=remove,
        scope="documents.write", summary="Delete a document", about="Not while a case holds on to it.",
        query=DocumentQuery, result=DocumentRemoved, conflicts=True,
    ),
)  # fmt: skip
