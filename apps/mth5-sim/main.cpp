#include <algorithm>
#include <charconv>
#include <cmath>

#include <boost/program_options/value_semantic.hpp>

#include "acquisition/config/config.hpp"
#include "acquisition/config/instrument.hpp"
#include "acquisition/config/login.hpp"
#include "acquisition/decode/atss.hpp"
#include "acquisition/simulate/answers.hpp"
#include "acquisition/simulate/decoded.hpp"
#include "acquisition/simulate/frame_recording.hpp"
#include "acquisition/simulate/profile.hpp"
#include "acquisition/simulate/recording.hpp"
#include "cli/cli.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "player.hpp"

namespace {

namespace po = boost::program_options;
namespace simulate = daq::simulate;

struct Options {
  std::optional<simulate::Instrument> instrument;
  bool own = false;  ///< it is one that mth5-sim knows by itself: it finds times and values in the bytes of any record
  std::optional<simulate::Answers> answers;
  sim::Target target;
  std::vector<std::filesystem::path> replay;
  std::optional<daq::config::Instrument> profile;  ///< of the instrument, if it has one
  simulate::SignalSettings signal;
  sim::Player::Settings play;
  simulate::FaultPlan faults;
  std::optional<std::string> truth;
  std::optional<mth5::Nanos> duration;  ///< of what is sent, by its own times
  std::optional<mth5::Nanos> linger;
};

double parse_number(const std::string& option, std::string_view text, const char* unit) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value > 0) || !std::isfinite(value))
    throw cli::UsageError{option + ": '" + std::string{text} + "' is not a number above 0" + unit};
  return value;
}

mth5::Nanos parse_duration(const std::string& option, const std::string& text) {
  const auto span = simulate::parse_time_span(text);
  if (!span) throw cli::UsageError{option + ": '" + text + "' is not a duration (as 500ms, 30s, 5m, 1h, 1d)"};
  return *span;
}

double parse_rate(std::string text) {
  if (text.ends_with("Hz")) text.resize(text.size() - 2);
  return parse_number("--rate", text, " (Hz)");
}

void check_rate(double rate, const std::string& given, const simulate::Instrument& instrument) {
  const auto& rates = instrument.rates_hz;
  if (std::find(rates.begin(), rates.end(), rate) != rates.end()) return;
  std::string possible;
  for (const double one : rates)
    possible += (possible.empty() ? "" : ", ") + std::to_string(one).substr(0, std::to_string(one).find('.'));
  throw cli::UsageError{"--rate: " + instrument.name + " cannot sample at " + given + "; it can at " + possible + " Hz"};
}

std::string whole_steps(const simulate::Instrument& instrument) {
  const auto step = instrument.time_resolution;
  return "the times of " + instrument.name + " have " +
         (step == std::chrono::seconds{1} ? "whole seconds" : "steps of " + daq::config::format_duration(step)) + " only";
}

/// Faults that cannot be done with these instrument, speed and target are refused rather than left out in silence.
void check_faults(const Options& options) {
  if (!options.faults.stalls.empty() && !options.play.speed)
    throw cli::UsageError{"--fault stall: needs a paced signal, not --speed max"};
  const auto kind = options.target.kind;
  const bool as_recorded = !options.replay.empty() && !options.own;
  for (const auto& [fault, asked] :
       {std::pair{"clock-step", !options.faults.clock_steps.empty()}, std::pair{"lose-lock", !options.faults.unlocked.empty()}})
    if (as_recorded && asked)
      throw cli::UsageError{std::string{"--fault "} + fault + ": cannot be done to a recording of " + options.instrument->name +
                            "; leave out this or --replay"};
  if (!options.faults.disconnects.empty() && (kind == sim::Target::Kind::File || kind == sim::Target::Kind::Stdout))
    throw cli::UsageError{"--fault disconnect: a file cannot be unplugged; needs a pty, tcp or udp target"};
  if (!options.faults.served.empty() && kind != sim::Target::Kind::Http && kind != sim::Target::Kind::Https)
    throw cli::UsageError{
        "--fault new-run, shrink, ignore-range, slow-range: are of a server of files; needs --to http:HOST:PORT"};
  if (!options.faults.clock_steps.empty() && !options.instrument->set_time)
    throw cli::UsageError{"--fault clock-step: there is no time in what " + options.instrument->name + " sends"};
  for (const auto& step : options.faults.clock_steps)
    if (step.by % options.instrument->time_resolution != mth5::Nanos{0})
      throw cli::UsageError{"--fault clock-step: " + whole_steps(*options.instrument)};
  if (!options.faults.unlocked.empty() && !options.instrument->lose_lock)
    throw cli::UsageError{"--fault lose-lock: " + options.instrument->name + " does not say whether it has GPS"};
  if (options.faults.shorten > 0 && options.instrument->line_end.empty())
    throw cli::UsageError{"--fault shorten: what " + options.instrument->name + " sends are no lines; truncate cuts frames"};
  if (options.faults.answer > 0 && options.answers->all().empty())
    throw cli::UsageError{"--fault answer: the profile of " + options.instrument->name + " has no answers"};
}

constexpr const char* kAskedBy = "INSTRUMENT";  ///< as --help calls it

/// One that mth5-sim knows, or the one of a profile. What it answers is always as its profile says.
/// @param rate  in place of the profile's
void find_instrument(const std::string& name, std::vector<std::string> names, bool sending, std::optional<double> rate,
                     Options& options) {
  const auto* known = simulate::find_instrument(name);
  const auto folders = daq::config::instrument_folders({});
  const auto profile = rate && known == nullptr ? daq::config::find_instrument(name, folders, kAskedBy, *rate)
                                                : daq::config::find_instrument(name, folders, kAskedBy);
  options.own = known != nullptr;
  if (known != nullptr)
    options.instrument = *known;
  else if (profile.instrument)
    options.instrument = simulate::from_profile(*profile.instrument);
  options.profile = profile.instrument;
  if (options.instrument) {
    options.answers.emplace(profile.instrument.value_or(daq::config::Instrument{}), sending);
    return;
  }
  for (const auto& one : daq::config::list_instruments(folders)) names.push_back(one.name);
  const auto near = cli::nearest(name, names);
  if (profile.findings.size() == 1 && !near.empty() && near != name)
    throw cli::UsageError{"instrument '" + name + "' is not known; did you mean '" + near + "'?"};
  throw cli::UsageError{profile.findings.front().text()};
}

/// Who may read what a box serves.
void read_login(const std::optional<std::string>& user, const std::optional<std::string>& file, sim::Target& target) {
  if (!user && !file) return;
  if (target.kind != sim::Target::Kind::Http && target.kind != sim::Target::Kind::Https)
    throw cli::UsageError{"--user, --password-file: are of a server of files; need --to http:HOST:PORT or https:HOST:PORT"};
  if (!user || !file) throw cli::UsageError{"--user and --password-file: one is missing; a server asks for both or for none"};
  if (const auto wrong = user->empty() ? "is an empty text" : daq::config::check_user(*user); !wrong.empty())
    throw cli::UsageError{"--user: " + wrong};
  const auto password = daq::config::read_password(*file);
  if (!password.problem.empty()) throw cli::UsageError{"--password-file: " + password.problem};
  target.authorization = daq::config::basic_authorization(*user, password.text);
}

Options read_options(const po::variables_map& values) {
  Options options;
  const auto text = [&](const char* name) {
    return values.count(name) > 0 ? std::optional{values[name].as<std::string>()} : std::nullopt;
  };
  const auto instrument = text("instrument");
  std::vector<std::string> names;
  std::string known;
  for (const auto& one : simulate::instruments()) {
    names.emplace_back(one.name);
    known += (known.empty() ? "" : ", ") + std::string{one.name};
  }
  if (!instrument) throw cli::UsageError{"which instrument? known: " + known + ", and every profile (mth5d --list-instruments)"};
  const auto rate = text("rate");
  const auto asked_rate = rate ? std::optional{parse_rate(*rate)} : std::nullopt;
  find_instrument(*instrument, names, values.count("await-start") == 0, asked_rate, options);
  const auto to = text("to");
  if (!to) throw cli::UsageError{"--to is missing: where shall it send?"};
  options.target = sim::parse_target(*to);
  const bool has_records = options.profile && std::holds_alternative<daq::decode::MiniSeedFormat>(options.profile->decoder);
  if (options.target.kind == sim::Target::Kind::SeedLink && !has_records)
    throw cli::UsageError{"--to " + *to + ": " + *instrument +
                          " sends no records of miniSEED; take one that does, such as miniseed-mt"};
  if (options.target.kind == sim::Target::Kind::Http || options.target.kind == sim::Target::Kind::Https) {
    if (!options.profile || !daq::decode::reads_atss_blocks(options.profile->decoder))
      throw cli::UsageError{"--to " + *to + ": " + *instrument + " has no .atss files; take one that has, such as metronix-adu"};
    for (const auto& channel : options.profile->channels) options.target.channels.push_back(channel.name);
  }
  read_login(text("user"), text("password-file"), options.target);

  if (values.count("replay") > 0)
    for (const auto& file : values["replay"].as<std::vector<std::string>>()) options.replay.emplace_back(file);
  for (const char* name : {"signal", "start", "earth"})
    if (values.count(name) > 0 && !options.replay.empty())
      throw cli::UsageError{"--" + std::string{name} + ": a recording is played as it is; leave out this or --replay"};

  if (rate) check_rate(*asked_rate, *rate, *options.instrument);
  const double rate_hz = asked_rate.value_or(options.instrument->rates_hz.front());
  options.signal.rate_hz = options.target.rate_hz = rate_hz;
  options.play.rate_hz = rate_hz / static_cast<double>(options.instrument->samples_per_record);
  if (const auto speed = text("speed"); speed == "max")
    options.play.speed.reset();
  else if (speed)
    options.play.speed = parse_number("--speed", *speed, " or max");
  if (const auto duration = text("duration")) options.duration = parse_duration("--duration", *duration);
  if (options.replay.empty() && options.target.kind == sim::Target::Kind::File && !options.play.speed && !options.duration)
    throw cli::UsageError{"--speed max into a file needs --duration; it would fill the disk"};

  if (const auto seed = text("seed")) {
    const auto [end, error] = std::from_chars(seed->data(), seed->data() + seed->size(), options.signal.seed);
    if (error != std::errc{} || end != seed->data() + seed->size())
      throw cli::UsageError{"--seed: '" + *seed + "' is not a whole number"};
  }
  if (const auto name = text("signal")) {
    const auto signal = simulate::parse_signal(*name);
    if (!signal) throw cli::UsageError{"--signal: '" + *name + "' is not one of mt, sine, counter"};
    options.signal.signal = *signal;
  }
  if (const auto earth = text("earth")) {
    const auto parsed = simulate::parse_earth(*earth);
    if (!parsed) throw cli::UsageError{"--earth: '" + *earth + "' is not as 100 or 100:500m:10 (ohm m, thickness, ohm m below)"};
    if (options.signal.signal != simulate::Signal::Mt) throw cli::UsageError{"--earth: is for --signal mt"};
    options.signal.earth = *parsed;
  }
  options.signal.start = std::chrono::floor<std::chrono::seconds>(mth5::host_now());
  if (const auto start = text("start")) {
    const auto time = mth5::parse_time(*start);
    if (!time) throw cli::UsageError{"--start: '" + *start + "' is not a time (as 2026-05-01T00:00:00Z)"};
    if (time->time_since_epoch() % options.instrument->time_resolution != mth5::Nanos{0})
      throw cli::UsageError{"--start: " + whole_steps(*options.instrument)};
    options.signal.start = *time;
  }
  if (const auto fault = text("fault")) {
    auto parsed = simulate::parse_faults(*fault);
    if (!parsed.problem.empty()) throw cli::UsageError{"--fault " + parsed.problem};
    options.faults = std::move(parsed.plan);
  }
  check_faults(options);
  if (!options.answers->sending() && !options.answers->can_start())
    throw cli::UsageError{"--await-start: the profile of " + options.instrument->name + " has no command that starts it"};
  options.truth = text("truth");
  if (const auto linger = text("linger"))
    options.linger = parse_duration("--linger", *linger);
  else if (options.target.kind != sim::Target::Kind::Pty)
    options.linger = std::chrono::seconds{10};
  return options;
}

std::string summary(const sim::Player::Totals& totals) {
  std::string text = "sent " + std::to_string(totals.records) + " records, " + std::to_string(totals.bytes) + " bytes; faults:";
  for (const auto& [kind, n] : totals.faults) text += " " + kind + "=" + std::to_string(n);
  return totals.faults.empty() ? text + " none" : text;
}

/// What is played; for a recording of frames, at the pace of the samples in them. What a record of it says is what the decoder of
/// the profile makes of it, unless the instrument can tell by itself.
std::unique_ptr<simulate::RecordSource> open_source(Options& options) {
  if (options.replay.empty()) return options.instrument->generate(options.signal);
  const auto now = options.signal.start;
  if (options.instrument->line_end == "\n" || !options.profile) {
    if (!options.own && options.profile) options.instrument->describe = simulate::describe_lines(*options.profile, now);
    return std::make_unique<simulate::Recording>(options.replay);
  }
  auto frames = std::make_unique<simulate::FrameRecording>(options.replay, *options.profile, now);
  options.play.rate_hz = options.signal.rate_hz / frames->samples_per_record();
  options.instrument->describe = [&frames = *frames](std::string_view, simulate::Description& out) { frames.describe(out); };
  return frames;
}

int play(Options options, const sim::Log& log) {
  const auto source = open_source(options);
  if (options.duration)
    options.play.n_records =
        static_cast<std::uint64_t>(std::ceil(std::chrono::duration<double>(*options.duration).count() * options.play.rate_hz));
  simulate::FaultMaker faults{options.faults, options.signal.seed, options.instrument->line_end};
  sim::Stop stop;
  const auto sink = sim::make_sink(options.target, stop, log);
  std::optional<sim::Truth> truth;
  if (options.truth) truth.emplace(*options.truth, *options.instrument);
  sim::Player player{*options.instrument,       *source, faults,      *options.answers, *sink,
                     truth ? &*truth : nullptr, stop,    options.play};
  sink->open();
  player.run();
  if (truth) truth->close();
  std::optional<sim::Clock::time_point> deadline;
  if (options.linger) deadline = mth5::steady_now() + *options.linger;
  if (stop.requested()) deadline = mth5::steady_now() + sim::kDrainAfterStop;
  const auto left = sink->finish(deadline);
  log.info(summary(player.totals()));
  if (left.empty()) return cli::kDone;
  if (!stop.requested()) throw mth5::Error{left};
  log.warn(left);
  return cli::kDone;
}

int sim_main(int argc, char** argv) {
  cli::CommandLine line{
      .program = "mth5-sim",
      .summary = "mth5-sim - sends what an instrument sends, made up or recorded, with faults on request",
      .usage = {"INSTRUMENT --to TARGET [--signal KIND] [OPTION...]", "INSTRUMENT --to TARGET --replay FILE... [OPTION...]"},
      .options = po::options_description{"Options"}};
  const auto text = [] { return po::value<std::string>(); };
  line.options.add_options()("instrument", text(), "")("to", text()->value_name("TARGET"),
                                                       "pty:PATH | tcp-listen:HOST:PORT | tcp:HOST:PORT | udp:HOST:PORT | "
                                                       "seedlink:HOST:PORT | http:HOST:PORT | https:HOST:PORT | file:PATH | - "
                                                       "(standard output)")(
      "replay", po::value<std::vector<std::string>>()->multitoken()->composing()->value_name("FILE..."),
      "play recordings, bytes as recorded, one after the other")(
      "signal", text()->value_name("KIND"),
      "mt (natural-looking; default), sine (known), counter (every sample tells its index)")(
      "earth", text()->value_name("LAYERS"), "under the station, as 100 or 100:500m:10 (ohm m, thickness, ohm m below)")(
      "start", text()->value_name("TIME"), "UTC of the first sample, as 2026-05-01T00:00:00Z; default: now")(
      "duration", text()->value_name("TIME"), "of signal, as 90s, 5m, 1h; default: no end, or that of the recording")(
      "rate", text()->value_name("HZ"), "samples per second; default: the instrument's")(
      "speed", text()->value_name("N|max"), "times real time; max: as fast as it is read; default 1")(
      "seed", text()->value_name("N"), "of signal and faults; same seed, same bytes; default 1")(
      "fault", text()->value_name("LIST"),
      "drop=P,garbage=P,duplicate=P,bitflip=P,truncate=P,shorten=P,answer=P,late=P,stall=30s@5m,disconnect=@10m,lose-lock=1m@5m,"
      "clock-step=+2s@3m, and of http new-run=@1m,shrink=@1m,ignore-range=@1m,slow-range=2s@1m")(
      "user", text()->value_name("NAME"), "of http and https: nothing is served without this user and the password")(
      "password-file", text()->value_name("FILE"), "its one line is the password; with --user")(
      "await-start", "send nothing before a command starts it, as an instrument that stands still")(
      "truth", text()->value_name("FILE"), "write what was sent and what was done to it, as CSV")(
      "linger", text()->value_name("TIME"), "at the end wait this long for the reader; default: pty no limit, tcp 10s");
  line.positional.add("instrument", 1);
  line.footer = "Instruments:\n";
  for (const auto& one : simulate::instruments()) line.footer += "  " + one.name + "  " + one.description + "\n";
  line.footer += "  NAME, FILE.yaml  any instrument that has a profile (mth5d --list-instruments)\n";
  line.footer +=
      "\nExamples:\n"
      "  mth5-sim lemi424 --to pty:/tmp/lemi\n"
      "  mth5-sim lemi424 --to tcp-listen:127.0.0.1:7000 --replay 202010010000.TXT --speed 10\n"
      "  mth5-sim lemi424 --to file:day.TXT --start 2026-05-01T00:00:00Z --duration 1d --speed max --truth day.csv\n";
  const auto parsed = cli::parse(line, argc, argv);
  if (parsed.answered) return cli::kDone;
  return play(read_options(parsed.values), sim::Log{parsed.verbosity < 0});
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5-sim", argc, argv, sim_main); }
