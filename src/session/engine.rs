use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::Engine;
use rhai::packages::Package;

use super::{Session, functions};
use crate::language::{LastCall, configure};

/// Plugins that the embedding program adds to every engine, see [`extend`].
static ADDED: Mutex<Vec<fn(&mut Engine)>> = Mutex::new(Vec::new());

/// Adds a plugin of your own to every engine that the host makes from now on. A program that calls this
/// and then [`crate::cli::main`] is a `pe-script` with that plugin, in its REPL, runs and tests.
///
/// ```
/// fn plugin(engine: &mut rhai::Engine) {
///     engine.register_fn("double", |x: rhai::INT| 2 * x);
/// }
/// pe_script::extend(plugin);
/// let mut engine = rhai::Engine::new();
/// pe_script::register(&mut engine);
/// assert_eq!(engine.eval::<rhai::INT>("double(4)").unwrap(), 8);
/// ```
pub fn extend(register: fn(&mut Engine)) {
    let mut added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
    added.push(register);
}

/// Registers every plugin under its name: `ct::…` and so on.
///
/// ```
/// let mut engine = rhai::Engine::new();
/// pe_script::register(&mut engine);
/// assert!(engine.run("ct::window(100, 700);").is_ok());
/// ```
pub fn register(engine: &mut Engine) {
    pe_ct::script::CtPackage::new().register_into_engine_as(engine, "ct");
    pe_dicom::script::DicomPackage::new().register_into_engine_as(engine, "dicom");
    pe_lung::script::LungPackage::new().register_into_engine_as(engine, "lung");
    pe_metrics::script::MetricsPackage::new().register_into_engine_as(engine, "metrics");
    pe_phantom::script::PhantomPackage::new().register_into_engine_as(engine, "phantom");
    pe_report::script::ReportPackage::new().register_into_engine_as(engine, "report");
    pe_store::script::StorePackage::new().register_into_engine_as(engine, "store");
    pe_train::script::TrainPackage::new().register_into_engine_as(engine, "train");
    // Clone the list and release the lock before the calls: a plugin may make an engine itself.
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for register in added {
        register(engine);
    }
}

/// The engine of a session, with all plugins, the host's functions and imports from `root`. Also
/// returns the tracker of the last plugin call, which locates errors.
pub(crate) fn engine(session: &Arc<Session>, root: &Path) -> (Engine, LastCall) {
    let mut engine = Engine::new();
    configure(&mut engine);
    register(&mut engine);
    functions::register(&mut engine, session, root);
    session.sandbox.limit(&mut engine, &session.console);
    let journal = session.journal.clone();
    if let Err((plugin, error)) = session.plugins.install(&mut engine, root, journal) {
        // `find_plugins` tried it before, so its files must have changed since.
        let name = plugin.name();
        session
            .console
            .warning(&format!("plugin `{name}` is left out: {error}"));
    }
    let last_call = LastCall::follow(&mut engine);
    (engine, last_call)
}
