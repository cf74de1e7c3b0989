import { onWillUnmount, useEffect } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { ProgressBarField, progressBarField } from "@web/views/fields/progress_bar/progress_bar_field";

const REFRESH_MILLISECONDS = 3000;

/** The progress of a billing run, read again from the server for as long as the run goes on. */
export class BillingRunProgressField extends ProgressBarField {
    setup() {
        super.setup();
        let timer;
        let isGone = false;
        const refresh = async () => {
            const { record } = this.props;
            if (!(await record.isDirty())) {
                await record.load();
            }
            plan();
        };
        const plan = () => {
            clearTimeout(timer);
            if (!isGone && this.props.record.data.state === "running") {
                timer = setTimeout(refresh, REFRESH_MILLISECONDS);
            }
        };
        useEffect(plan, () => [this.props.record.data.state]);
        onWillUnmount(() => {
            isGone = true;
            clearTimeout(timer);
        });
    }
}

registry.category("fields").add("billing_run_progress", {
    ...progressBarField,
    component: BillingRunProgressField,
    fieldDependencies: [{ name: "state", type: "selection" }],
});
