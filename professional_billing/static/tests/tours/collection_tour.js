import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("professional_billing_collection", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open Billing",
            trigger: '.o_app[data-menu-xmlid="professional_billing.menu_billing_root"]',
            run: "click",
        },
        {
            content: "Open the menu Collection",
            trigger: '[data-menu-xmlid="professional_billing.menu_collection"]',
            run: "click",
        },
        {
            content: "Open Follow-up runs",
            trigger: '[data-menu-xmlid="professional_billing.menu_collection_run"]',
            run: "click",
        },
        {
            content: "New run",
            trigger: ".o_last_breadcrumb_item:contains(Follow-up runs)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Propose",
            trigger: "button[name=action_propose]",
            run: "click",
        },
        {
            content: "Both late instalments are proposed; leave one out",
            trigger:
                ".o_data_row:contains(Tour Customer):contains(50.00) [name=include] input:checked",
            run: "click",
        },
        {
            trigger:
                ".o_data_row:contains(Tour Customer):contains(50.00) [name=include] input:not(:checked)",
        },
        {
            content: "Approve",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "Send",
            trigger: "button[name=action_send]",
            run: "click",
        },
        {
            content: "Yes, now",
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "The result is told",
            trigger: ".o_notification:contains(Customers reminded: 1)",
        },
        {
            trigger: ".o_field_widget[name=sent_count]:contains(1)",
        },
        {
            content: "The line left out says why",
            trigger:
                ".o_data_row:contains(50.00):contains(Dropped by the collector)",
        },
    ],
});
