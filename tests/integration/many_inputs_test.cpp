#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "acquisition/config/config.hpp"
#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// Five instruments of five kinds on five kinds of input, in one daemon and one file; one after the other is unplugged.
namespace {

namespace fs = std::filesystem;

constexpr int kPartSeconds = 4;
constexpr int kParts = 7;  ///< the first and the last with all of them, in each between one is away
constexpr int kSeconds = kPartSeconds * kParts;

/// What an instrument sends in kSeconds, in frames, and the values in them.
struct Signal {
  struct Frame {
    std::string bytes;
    std::map<std::string, std::vector<double>> values;  ///< by the instrument's own names of its channels
  };
  std::vector<Frame> frames;
  std::string start = "2026-05-01T00:00:00Z";

  [[nodiscard]] std::vector<Frame> part(int number) const {
    const auto each = frames.size() / kParts;
    const auto first = frames.begin() + static_cast<std::ptrdiff_t>(each) * number;
    return {first, first + static_cast<std::ptrdiff_t>(each)};
  }
};

/// Made by mth5-sim, and its truth.
Signal simulated(const std::string& profile) {
  const support::TempDir dir;
  const auto made = support::run({support::program("mth5-sim"), profile, "--to", "file:" + (dir / "day").string(), "--start",
                                  "2026-05-01T00:00:00Z", "--duration", std::to_string(kSeconds) + "s", "--speed", "max",
                                  "--truth", (dir / "truth.csv").string()});
  EXPECT_EQ(made.code, 0) << made.err;
  const auto bytes = support::read_text(dir / "day");
  Signal signal;
  std::size_t at = 0, end = 0;
  for (const auto& row : support::truth_rows(dir / "truth.csv")) {
    end += std::stoul(row.at("bytes"));
    if (row.at("what") == "state") continue;  // goes with the frame behind it
    if (signal.frames.empty()) signal.start = row.at("time");
    Signal::Frame frame{.bytes = bytes.substr(at, end - at), .values = {}};
    at = end;
    for (const auto& [name, text] : row) {
      if (name == "index" || name == "time" || name == "stamp" || name == "what" || name == "bytes") continue;
      std::istringstream in{text};
      for (double value = 0; in >> value;) frame.values[name].push_back(value);
    }
    signal.frames.push_back(std::move(frame));
  }
  EXPECT_EQ(at, bytes.size());
  return signal;
}

/// Lines of a GSM-90, one a second.
Signal gsm90() {
  Signal signal;
  for (int second = 0; second < kSeconds; ++second) {
    char line[64];
    std::snprintf(line, sizeof line, "05-01-2026 0000%02d %.2f 99\r\n", second, 48464.25 + second);
    signal.frames.push_back({.bytes = line, .values = {{"f", {48464.25 + second}}}});
  }
  return signal;
}

/// One of the five: where it is, and how it is unplugged.
struct Instrument {
  std::string name, profile, input;
  Signal signal;
  std::function<void(const std::string&)> send;
  std::function<void()> unplug, plug;
  bool shows_it = true;  ///< that nobody is there; a sender of datagrams and a file only fall silent
};

TEST(ManyInputs, OfFiveInstrumentsGoIntoOneFileWhicheverIsUnplugged) {
  const support::TempDir dir;
  support::PtyPeer line{dir / "port"};
  support::TcpPeer server;
  const int listening = support::TcpCaller::free_port();
  std::optional<support::TcpCaller> caller;
  support::UdpPeer sender;
  const auto all_of = [](const Signal& signal, int part) {
    std::string bytes;
    for (const auto& frame : signal.part(part)) bytes += frame.bytes;
    return bytes;
  };
  std::array<Instrument, 5> five{
      Instrument{.name = "serial",
                 .profile = "lemi424",
                 .input = "serial: {device: '" + line.link().string() + "'}",
                 .signal = simulated("lemi424"),
                 .send = [&](const std::string& bytes) { ASSERT_TRUE(line.send(bytes)); },
                 .unplug = [&] { line.unplug(); },
                 .plug = [&] { line.plug(); }},
      Instrument{.name = "client",
                 .profile = "mth5-frame",
                 .input = "tcp: {host: 127.0.0.1, port: " + std::to_string(server.port()) + "}",
                 .signal = simulated("mth5-frame"),
                 .send = [&](const std::string& bytes) { ASSERT_TRUE(server.send(bytes)); },
                 .unplug = [&] { server.hang_up(); },
                 .plug = [&] { ASSERT_TRUE(server.accept()); }},
      Instrument{.name = "listener",
                 .profile = "lemi025",
                 .input = "tcp: {listen: '127.0.0.1:" + std::to_string(listening) + "'}",
                 .signal = simulated("lemi025"),
                 .send = [&](const std::string& bytes) { ASSERT_TRUE(caller->send(bytes)); },
                 .unplug = [&] { caller.reset(); },
                 .plug = [&] { caller.emplace(listening); }},
      Instrument{.name = "datagrams",
                 .profile = "lemi036",
                 .input = "udp: {listen: '127.0.0.1:" + std::to_string(sender.port()) + "'}",
                 .signal = simulated("lemi036"),
                 .send = {},
                 .unplug = [] {},
                 .plug = [] {},
                 .shows_it = false},
      Instrument{.name = "growing",
                 .profile = "gsm90",
                 .input = "file: {path: '" + (dir / "gsm.txt").string() + "', follow: true}",
                 .signal = gsm90(),
                 .send =
                     [&](const std::string& bytes) {
                       std::ofstream{dir / "gsm.txt", std::ios::app} << bytes;
                     },
                 .unplug = [] {},
                 .plug = [] {},
                 .shows_it = false},
  };
  support::write_text(dir / "gsm.txt", "");
  std::string sources;
  for (const auto& one : five)
    sources += (sources.empty() ? "" : ", ") + std::string{"{name: "} + one.name + ", instrument: " + one.profile + ", run: '" +
               one.name + "_{index:04}', reconnect: {first: 50ms, limit: 100ms}, " + one.input + "}";
  support::Recording recording{support::Recording::tcp(1), {.arguments = {"--set", "sources=[" + sources + "]"}}};

  std::array<std::size_t, five.size()> sent{};
  const auto await = [&](std::size_t i, const auto& holds) {
    return recording.wait_until([&](const auto& status) { return holds(status.at("sources").at(i)); });
  };
  const auto connected = [](const auto& source) { return source.at("connected").template get<bool>(); };
  ASSERT_TRUE(server.accept()) << recording.log();
  caller.emplace(listening);
  for (std::size_t i = 0; i < five.size(); ++i) ASSERT_TRUE(await(i, connected)) << five[i].name << "\n" << recording.log();
  for (int part = 0; part < kParts; ++part) {
    const auto away = static_cast<std::size_t>(part - 1);
    if (away < five.size()) {
      five[away].unplug();
      if (five[away].shows_it) {
        ASSERT_TRUE(recording.wait_for_log("source waiting source=" + five[away].name)) << recording.log();
      }
    }
    for (std::size_t i = 0; i < five.size(); ++i) {
      if (i == away) continue;
      if (five[i].send) {
        ASSERT_NO_FATAL_FAILURE(five[i].send(all_of(five[i].signal, part)));
      } else {
        for (const auto& frame : five[i].signal.part(part)) sender.send(frame.bytes);
      }
      sent[i] += all_of(five[i].signal, part).size();
      ASSERT_TRUE(await(i, [&](const auto& source) { return source.at("bytes") == sent[i]; }))
          << five[i].name << " in part " << part << "\n"
          << recording.log();
    }
    if (away < five.size()) {
      five[away].plug();
      ASSERT_TRUE(await(away, connected)) << five[away].name << "\n" << recording.log();
    }
  }
  const auto status = support::expect_good_end(recording);

  ASSERT_EQ(recording.files().size(), 1u);
  const mth5::Reader reader{recording.file()};
  for (std::size_t i = 0; i < five.size(); ++i) {
    const auto& one = five[i];
    SCOPED_TRACE(one.name);
    EXPECT_EQ(status.at("sources").at(i).at("reconnects"), one.shows_it ? 1 : 0);
    for (const auto& [reason, bytes] : status.at("sources").at(i).at("skipped").items()) EXPECT_EQ(bytes, 0) << reason;
    std::vector<std::size_t> runs;
    for (std::size_t r = 0; r < reader.runs().size(); ++r)
      if (reader.runs()[r].id.starts_with(one.name)) runs.push_back(r);
    ASSERT_THAT(runs, testing::SizeIs(2)) << recording.log();
    const auto& before = reader.runs()[runs[0]];
    const auto& behind = reader.runs()[runs[1]];
    const int first_part_behind = static_cast<int>(i) + 2;
    EXPECT_EQ(mth5::to_iso(before.start), one.signal.start);
    EXPECT_EQ(behind.start - before.start, std::chrono::seconds{first_part_behind * kPartSeconds});
    EXPECT_THAT(support::lines_with(recording.log(),
                                    "gap stream=" + one.name + " .*reason=" + (one.shows_it ? "disconnected" : "no-data") + " "),
                testing::SizeIs(1))
        << recording.log();
    const auto profile = daq::config::find_instrument(one.profile, {(support::source() / "config/instruments").string()});
    for (const auto& channel : profile.instrument->channels) {
      std::vector<double> expected, found;
      for (int part = 0; part < kParts; ++part)
        if (part != first_part_behind - 1)
          for (const auto& frame : one.signal.part(part))
            expected.insert(expected.end(), frame.values.at(channel.name).begin(), frame.values.at(channel.name).end());
      for (const auto r : runs) {
        const auto& run = reader.runs()[r];
        const auto stored = reader.find("MT001", run.id, channel.metadata.text("component"));
        ASSERT_THAT(stored, testing::SizeIs(1)) << channel.name;
        const auto samples = reader.read(stored[0], 0, run.n_samples);
        found.insert(found.end(), samples.begin(), samples.end());
      }
      ASSERT_THAT(found, testing::Pointwise(testing::DoubleEq(), expected)) << channel.name;
    }
  }
}

}  // namespace
