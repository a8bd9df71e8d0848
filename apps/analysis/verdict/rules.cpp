#include "analysis/verdict/rules.hpp"

#include <array>
#include <limits>

namespace analysis {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr std::array kRules{
    Rule{"unreadable", "unreadable", "", Scope::File, true, kNone, 0.5, "cannot be read, or not all of it",
         "see the error about it; if it is damaged, try mth5-recover"},
    Rule{"writer-died", "writer_died", "", Scope::File, true, kNone, 0.5, "its writer died without closing it",
         "start mth5d, which recovers its newest file, or run mth5-recover"},
    Rule{"disk-full", "disk_full", "", Scope::File, true, kNone, 0.5,
         "disk full: the recorder closed the file and waits for space", "free some space, or change the disk"},
    Rule{"ledger", "unbalanced", "", Scope::File, true, kNone, 0.5,
         "the ledger does not balance, or cannot be read: samples are unaccounted for",
         "keep the file and the log, and report it"},
    Rule{"nothing", "samples", "", Scope::Station, false, kNone, 1, "no samples in the time of this report",
         "check that mth5d runs, with this directory, and that the instrument is on", "; the last is of "},
    Rule{"age", "age_s", "s", Scope::Station, true, kNone, kNone, "the newest sample is {value} old",
         "check that mth5d runs, and that its files get here", ", of "},
    Rule{"silent", "silent_s", "s", Scope::Stream, true, 0, 60, "no data for {value}", "check instrument, cable and power"},
    Rule{"disk", "disk_days", "d", Scope::File, false, 7, 2, "disk full in {value}", "free some space, or change the disk"},
    Rule{"battery", "battery_V", "V", Scope::Station, false, 12, 11.5, "battery at {value}",
         "change the battery, check the charger"},
    Rule{"temperature", "temperature_C", "°C", Scope::Station, true, 60, 70, "temperature of {value}",
         "give shade and air to the box", " at "},
    Rule{"open", "open_ratio", "", Scope::Electric, true, kNone, 30,
         "electrode or cable open, level {value} times that of the others", "check the cable and the electrode"},
    Rule{"off", "off_s", "s", Scope::Field, true, kNone, 10, "exactly 0 for {value}", "check plug and cable of the sensor"},
    Rule{"stuck", "stuck_s", "s", Scope::Field, true, kNone, 60, "stuck at one value for {value}",
         "check sensor and cable; leave out a channel that is not used"},
    Rule{"values", "largest", "", Scope::Field, true, kNone, 1e30, "infinite values, or larger than any instrument has",
         "check the decoder and its units"},
    Rule{"empty", "present", "%", Scope::Field, false, 99, 95, "only {value} of the samples have a value",
         "check sensor and cable"},
    Rule{"completeness", "completeness", "%", Scope::Stream, false, 99, 95, "only {value} of the samples are there",
         "see the list of gaps for the reasons", ", the longest gap is from "},
    Rule{"gaps", "gaps", "", Scope::Stream, true, kNone, kNone, "gaps, {value}", "see the list of gaps for the reasons",
         ", the last is from "},
    Rule{"input", "unused", "%", Scope::Source, true, 1, 10, "{value} of what it sends is of no use",
         "check cable, rate and settings of the instrument; the ledger has the reasons"},
    Rule{"clipped", "clipped", "%", Scope::Field, true, 0, 0.1, "cut off at the limits of the converter, {value} of the samples",
         "lower the gain, or find what is so strong"},
    Rule{"swapped", "swapped", "", Scope::Electric, true, 0.5, kNone,
         "seems to be swapped with another electric channel: goes with the magnetic one along it",
         "exchange the cables of the two"},
    Rule{"reversed", "reversed", "", Scope::Electric, true, 0.5, kNone,
         "seems to be reversed, or the magnetic channel across it is", "exchange its two wires"},
    Rule{"mains", "mains_db", "dB", Scope::Field, true, 40, 60, "power line {value} above the noise",
         "look for a power line, an electric fence, a bad earth"},
    Rule{"pulses", "pulse_s", "s", Scope::Field, true, 0, kNone, "pulses every {value}",
         "look for the cathodic protection of a pipeline; note it, or move the site"},
    Rule{"jumps", "jumps_per_h", "/h", Scope::Electric, true, 1, kNone, "level jumps, {value}",
         "check the electrode and its contact"},
    Rule{"spikes", "spikes_per_h", "/h", Scope::Field, true, 10, kNone, "spikes, {value}",
         "look for a fence, lightning, a loose contact"},
    Rule{"noise", "times_as_noisy", "", Scope::Field, true, 5, kNone, "{value} times as noisy as in the hour before",
         "look for what began: wind, traffic, a machine, a loose contact"},
    Rule{"drift", "drift_mV_h", "mV/h", Scope::Electric, true, 10, kNone, "drifts by {value}",
         "let the electrode settle; check it for water and contact"},
    Rule{"dc", "dc_mV", "mV", Scope::Electric, true, 100, 500, "self potential of {value}",
         "check the electrode; exchange the pair"},
    Rule{"future", "ahead_s", "s", Scope::Station, true, 3600, 86'400,
         "samples are at times that have not come yet, up to {value} ahead",
         "check the GPS antenna, and the clocks of instrument and computer"},
    Rule{"clock", "clock_set", "", Scope::Stream, true, 0, kNone, "clock was set, so often: {value}",
         "check the GPS antenna, and the clock of instrument and recorder", ", the last time at "},
    Rule{"rate", "clock_ppm", "ppm", Scope::Stream, true, 100, kNone, "clock is off by {value}, more than a crystal is",
         "check the sample rate in the configuration, and the instrument's clock"},
    Rule{"axis", "axis_error_s", "s", Scope::Stream, true, 1, kNone,
         "times by start and sample rate alone are off by up to {value}",
         "read times by its clock; clock: {reanchor_after: 10ms} keeps the next runs nearer"},
    Rule{"lock", "lock_percent", "%", Scope::Station, false, 95, kNone, "GPS had a fix in only {value} of the last hour",
         "check the GPS antenna, and its view of the sky", ", none since "},
    Rule{"gps", "no_fix_s", "s", Scope::Station, true, 3600, kNone, "no GPS fix for {value}", "check the GPS antenna"},
};

}  // namespace

std::span<const Rule> rules() { return kRules; }

}  // namespace analysis
