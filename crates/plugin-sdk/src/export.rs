//! The exports of a component, by the names that the contract gives them. On other targets there are none, so that a rule
//! can be tested natively.

/// Makes a validation rule the one that this component exports. `validation::export!` is the same.
#[macro_export]
macro_rules! export_validation_rule {
    ($rule:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod outcry_exports {
            use super::*;
            use $crate::abi;

            type Rejects = <$rule as $crate::validation::Rule>::Code;

            static RULE: abi::Slot<$rule> = abi::Slot::new();

            $crate::declare_parameters!($rule);

            #[unsafe(export_name = "outcry:rules/validation-rule@1.1.0#configure")]
            unsafe extern "C" fn configure(words: *const i64, count: usize) -> u32 {
                // SAFETY: the host's pointer comes from `cabi_realloc`.
                unsafe { abi::configure_validation(&RULE, words, count) }
            }

            #[unsafe(export_name = "outcry:rules/validation-rule@1.1.0#check")]
            unsafe extern "C" fn check(rows: *mut u64, count: usize) -> *const usize {
                // SAFETY: the host's pointer comes from `cabi_realloc`.
                unsafe { abi::check_rows(&RULE, rows, count) }
            }

            #[unsafe(export_name = "cabi_post_outcry:rules/validation-rule@1.1.0#check")]
            unsafe extern "C" fn checked(result: *const usize) {
                // SAFETY: the host gives back what `check` returned.
                unsafe { abi::free_codes(result) }
            }

            #[unsafe(export_name = "outcry:rules/validation-rule@1.1.0#explain")]
            extern "C" fn explain(code: u32) -> *const usize {
                abi::explain::<Rejects, _>(&RULE, code)
            }

            #[unsafe(export_name = "cabi_post_outcry:rules/validation-rule@1.1.0#explain")]
            unsafe extern "C" fn explained(result: *const usize) {
                // SAFETY: the host gives back what `explain` returned.
                unsafe { abi::free_text(result) }
            }
        }
    };
}

/// Makes a risk rule the one that this component exports. `risk::export!` is the same.
#[macro_export]
macro_rules! export_risk_rule {
    ($rule:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod outcry_exports {
            use super::*;
            use $crate::abi;

            type Rejects = <$rule as $crate::risk::Rule>::Code;

            static RULE: abi::Slot<$rule> = abi::Slot::new();

            $crate::declare_parameters!($rule);

            #[unsafe(export_name = "outcry:rules/risk-rule@1.1.0#configure")]
            unsafe extern "C" fn configure(words: *const i64, count: usize) -> u32 {
                // SAFETY: the host's pointer comes from `cabi_realloc`.
                unsafe { abi::configure_risk(&RULE, words, count) }
            }

            #[unsafe(export_name = "outcry:rules/risk-rule@1.1.0#check")]
            extern "C" fn check(
                account: u32,
                instrument: u32,
                flags: u32,
                quantity: u64,
                price: i64,
                notional: i64,
                position: i64,
                open_buy: u64,
                open_sell: u64,
                open_cash: i64,
                best_bid: i64,
                best_ask: i64,
                last_price: i64,
                day_volume: u64,
                counter: i64,
                now: i64,
            ) -> u64 {
                abi::check_order(
                    &RULE, account, instrument, flags, quantity, price, notional, position, open_buy,
                    open_sell, open_cash, best_bid, best_ask, last_price, day_volume, counter, now,
                )
            }

            #[unsafe(export_name = "outcry:rules/risk-rule@1.1.0#explain")]
            extern "C" fn explain(code: u32) -> *const usize {
                abi::explain::<Rejects, _>(&RULE, code)
            }

            #[unsafe(export_name = "cabi_post_outcry:rules/risk-rule@1.1.0#explain")]
            unsafe extern "C" fn explained(result: *const usize) {
                // SAFETY: the host gives back what `explain` returned.
                unsafe { abi::free_text(result) }
            }
        }
    };
}

/// Makes a reporting rule the one that this component exports. `reporting::export!` is the same.
#[macro_export]
macro_rules! export_reporting_rule {
    ($rule:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod outcry_exports {
            use super::*;
            use $crate::abi;

            static RULE: abi::Slot<$rule> = abi::Slot::new();

            $crate::declare_parameters!($rule);

            #[unsafe(export_name = "outcry:rules/reporting-rule@1.1.0#configure")]
            unsafe extern "C" fn configure(words: *const i64, count: usize) -> u32 {
                // SAFETY: the host's pointer comes from `cabi_realloc`.
                unsafe { abi::configure_reporting(&RULE, words, count) }
            }

            #[unsafe(export_name = "outcry:rules/reporting-rule@1.1.0#describe")]
            extern "C" fn describe() -> *const usize {
                abi::describe::<$rule>()
            }

            #[unsafe(export_name = "outcry:rules/reporting-rule@1.1.0#process")]
            unsafe extern "C" fn process(
                state: *mut u8,
                state_length: usize,
                events: *mut $crate::reporting::Event,
                event_count: usize,
            ) -> *const usize {
                // SAFETY: the host's pointers come from `cabi_realloc`.
                unsafe { abi::process(&RULE, state, state_length, events, event_count) }
            }

            #[unsafe(export_name = "cabi_post_outcry:rules/reporting-rule@1.1.0#process")]
            unsafe extern "C" fn processed(result: *const usize) {
                // SAFETY: the host gives back what `process` returned.
                unsafe { abi::free_report(result) }
            }
        }
    };
}

/// Puts the parameters that a rule reads into a section of the component, for `outcry plugin build` to compare.
#[doc(hidden)]
#[macro_export]
macro_rules! declare_parameters {
    ($rule:ty) => {
        const DECLARED: &[(&str, &str)] = <$rule as $crate::Parameters>::DECLARED;

        #[unsafe(link_section = "outcry:parameters")]
        #[used]
        static DECLARED_PARAMETERS: [u8; $crate::private::declared_length(DECLARED)] =
            $crate::private::declared(DECLARED);
    };
}
