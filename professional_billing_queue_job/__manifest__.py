{
    "name": "Professional Billing: job queue",
    "version": "19.0.1.0.0",
    "category": "Services/Professional Billing",
    "summary": "Billing runs are processed by jobs of OCA's queue, beside Odoo's scheduled actions",
    "author": "Professional Billing",
    "license": "LGPL-3",
    "auto_install": True,
    "depends": [
        "professional_billing",
        "queue_job",
    ],
    "data": [
        "data/queue_job_data.xml",
    ],
}
