#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <csignal>
#include <numbers>

#include "mth5/reader.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/python.hpp"
#include "support/recording.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// What Python's mth5 makes of our samples, by the filters that profile, site and instrument give.
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr double kDegree = std::numbers::pi / 180;
const std::string kSim = support::program("mth5-sim");

nlohmann::json python(const char* what, const fs::path& file, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{what, file.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return support::python("integration/physical_units.py", arguments);
}

TEST(PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile) {
  const support::TempDir dir;
  // At the 0.05 Hz of the signal: 0.25 mV/nT, 85 degrees, with the static gain of the file's header 200 mV/nT.
  support::write_text(
      dir / "coil.rsp",
      " Info coil no. 1\r\n StaticGain   800.0\r\n  FREQUENCY(Hz) AMPLITUDE(mV/nT) PHASE(deg)\r\n ----------\r\n"
      "   1.0  0.9  10.0\r\n   0.2  0.5  60.0\r\n  0.05  0.25  85.0\r\n  0.02  0.10  88.0\r\n 0.001  0.005  89.9\r\n");
  support::write_text(dir / "coil.csv", "f,a,p\n# rad\n0.001,1,0.1\n0.02,2,0.2\n0.05,3,-0.3\n0.2,4,0.4\n1,5,0.5\n");
  const auto file = [&](const char* name) { return "'" + (dir / name).string() + "'"; };
  const std::string coil = "{name: coil 1, kind: fap, units_in: nanoTesla, units_out: milliVolt, file: " + file("coil.rsp") + "}";
  const std::string low =
      "{name: low pass, kind: zpk, units_in: milliVolt, units_out: milliVolt, poles: [-1, [-2, 3], [-2, -3]], zeros: [[-1, 5], "
      "[-1, -5]], "
      "normalization_factor: 2}";
  const std::string adc = "{name: adc, units_in: milliVolt, units_out: digital counts, gain: 1000}";
  const std::string profile =
      "{sample_rate: 1, text: {columns: [year, month, day, hour, minute, second, {channel: hx, decimals: 6}, {channel: hy, "
      "decimals: 6}, {channel: ex, decimals: 6}]}, channels: {hx: {type: magnetic, units: digital counts, filters: [" +
      coil + ", " + low + ", " + adc + "]}, hy: {type: magnetic, units: digital counts, filters: [" + adc +
      "]}, ex: {type: electric, units: microVolt, filters: [{name: dipole, units_in: milliVolt per kilometer, units_out: "
      "microVolt, gain: dipole_length}]}}}";
  support::write_text(dir / "profile.yaml", profile);
  const auto made =
      support::run({kSim, (dir / "profile.yaml").string(), "--to", "file:" + (dir / "day.txt").string(), "--duration", "2000s",
                    "--speed", "max", "--signal", "sine", "--start", "2026-05-01T00:00:00Z"});
  ASSERT_EQ(made.code, 0) << made.err;
  // A site has calibrated its sensor anew, and knows its dipole.
  support::Recording recording{
      support::Recording::replay(dir / "day.txt"),
      {.source = "channels: {hy: {filters: [{name: coil 2, kind: fap, units_in: nanoTesla, units_out: milliVolt, phase: radians, "
                 "gain: 10, file: " +
                 file("coil.csv") + "}, " + adc + "]}, ex: {dipole_length: 50}}\n",
       .arguments = {"--until-eof"},
       .instrument = profile}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_EQ(mth5::Reader{recording.file()}.filters().size(), 5u);

  using namespace std::complex_literals;
  const auto s = 2i * std::numbers::pi * 0.05;
  const auto lowpass = 2.0 * (s + 1.0 - 5i) * (s + 1.0 + 5i) / ((s + 1.0) * (s + 2.0 - 3i) * (s + 2.0 + 3i));
  const std::tuple<const char*, std::complex<double>, const char*> all[] = {
      {"hx", std::polar(200.0, 85 * kDegree) * lowpass * 1000.0, "nanoTesla"},
      {"hy", std::polar(30.0, -0.3) * 1000.0, "nanoTesla"},
      {"ex", 50, "milliVolt per kilometer"}};
  for (const auto& [component, response, units] : all) {
    const auto found = python("sine", recording.file(), {component});
    const auto ratio = std::polar(found.at("amplitude").get<double>(), found.at("degrees").get<double>() * kDegree) * response;
    EXPECT_NEAR(std::abs(ratio), 1, 1e-3) << component;
    EXPECT_NEAR(std::arg(ratio), 0, 0.1 * kDegree) << component;
    EXPECT_EQ(found.at("units"), units) << component;
  }
}

/// A sensor is calibrated anew while no daemon runs: what is in the file keeps its filter.
TEST(PhysicalUnits, KeepTheFilterOfTheirRunInAFileThatIsResumed) {
  const support::TempDir dir, data;
  support::TcpPeer peer;
  fs::path path;
  for (int part = 0; part < 3; ++part) {
    support::write_text(dir / "coil.csv", part == 0 ? "1,2,0\n" : "1,5,0\n");
    support::Recording recording{
        support::Recording::tcp(peer.port()),
        {.source = "channels: {bx: {filters: [{name: coil, kind: fap, units_in: nanoTesla, units_out: nanoTesla, file: '" +
                   (dir / "coil.csv").string() + "'}]}}\n",
         .config = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 200ms}\n",
         .directory = data.path()}};
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(peer.send(support::numbered_lines(100 * part, 100 * part + 50)));
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= 50; }))
        << recording.log();
    recording.process().signal(part < 2 ? SIGKILL : SIGTERM);
    EXPECT_EQ(recording.process().wait(), part < 2 ? 137 : 0) << recording.log();
    path = recording.file();
  }
  const mth5::Reader file{path};
  std::vector<double> amplitudes;  // of the filter that each run names
  for (std::size_t i = 0; i < file.channels().size(); ++i) {
    if (file.channels()[i].component != "bx") continue;
    const auto applied = mth5::applied_filters(file.channel_metadata(i));
    ASSERT_EQ(applied.size(), 1u);
    for (const auto& filter : file.filters())
      if (filter.name() == applied[0].name) amplitudes.push_back(filter.responses.at(0).amplitude);
  }
  EXPECT_THAT(amplitudes, testing::ElementsAre(2, 5, 5));
  EXPECT_EQ(file.filters().size(), 2u);
}

/// A LEMI-424 that says what `change` makes of its answers, recorded with a dipole of 50 m.
struct Told {
  support::TempDir dir;
  nlohmann::json python_says;
  std::string log;

  explicit Told(const std::string& length, const std::string& channels = "{e1: {dipole_length: 50}}") {
    auto text = support::read_text(support::source() / "config" / "instruments" / "lemi424.yaml");
    const std::string answer = "answer: '%L1 = 1.000000e+00", wanted = "answer: '" + length;
    const auto at = text.find(answer);
    if (at == std::string::npos) throw std::runtime_error{"lemi424.yaml answers no L1"};
    text.replace(at, answer.size(), wanted);
    support::write_text(dir / "changed.yaml", text);
    auto sender = support::Process::start({kSim, (dir / "changed.yaml").string(), "--to", "pty:" + (dir / "port").string(),
                                           "--await-start", "--duration", "20s", "--speed", "max", "--signal", "counter",
                                           "--start", "2026-05-01T00:00:00Z"});
    if (!support::eventually([&] { return fs::exists(dir / "port"); })) throw std::runtime_error{sender.err()};
    support::Recording recording{support::Recording::serial(dir / "port"),
                                 {.source = "channels: " + channels + "\n",
                                  .instrument = (support::source() / "config" / "instruments" / "lemi424.yaml").string()}};
    EXPECT_EQ(sender.wait(std::chrono::seconds{60}), 0) << sender.err() << recording.log();
    EXPECT_EQ(recording.stop(), 0) << recording.log();
    log = recording.log();
    EXPECT_EQ(mth5::Reader{recording.file()}.runs().at(0).n_samples, 20);
    python_says = python("units", recording.file());
  }
};

constexpr double kSecond = 8 + 5;  ///< what `counter` says in the second sample of e1, the channel of number 5

TEST(Lemi424, SendsMicrovoltsAsDelivered) {
  const Told told{"%L1 = 1.000000e+00"};
  EXPECT_EQ(told.python_says.at("units"), "microVolt");
  EXPECT_THAT(told.python_says.at("comments").get<std::string>(), HasSubstr("line length l1 of the instrument is 1"));
  EXPECT_DOUBLE_EQ(told.python_says.at("second"), kSecond);
  EXPECT_EQ(told.python_says.at("physical_units"), "milliVolt per kilometer");
  EXPECT_NEAR(told.python_says.at("physical_step"), 8.0 / 50, 1e-9) << "8 microvolts over 50 m";
}

TEST(Lemi424, SendsAFieldWhereItsLineLengthIsSet) {
  const Told told{"%L1 = 9.500000e+01"};
  EXPECT_EQ(told.python_says.at("units"), "milliVolt per kilometer");
  EXPECT_EQ(told.python_says.at("filters"), 0);
  EXPECT_DOUBLE_EQ(told.python_says.at("second"), kSecond);
  EXPECT_THAT(told.python_says.at("comments").get<std::string>(),
              HasSubstr("by its line length l1 of 95 m, not by the dipole_length of 50 m"));
  EXPECT_EQ(told.python_says.at("dipole_length"), 50);
  EXPECT_EQ(Told("%L1 = 9.500000e+01", "{e1: {measurement_azimuth: 13}}").python_says.at("dipole_length"), 95);
}

TEST(Lemi424, IsNeverSilentlyTakenForMillivoltsPerKilometer) {
  const Told told{"Parameter error"};
  EXPECT_EQ(told.python_says.at("units"), "microVolt");
  EXPECT_EQ(told.python_says.at("filters"), 0);
  EXPECT_THAT(told.python_says.at("comments").get<std::string>(), HasSubstr("line length l1 of the instrument is not known"));
  EXPECT_THAT(told.log, HasSubstr("no answer '%L1 ='"));
  const Told absurd{"%L1 = 1e99"};
  EXPECT_EQ(absurd.python_says.at("units"), "microVolt");
  EXPECT_THAT(absurd.python_says.at("comments").get<std::string>(), HasSubstr("line length l1 of the instrument is not known"));
  const Told site{"Parameter error", "{e1: {units: milliVolt per kilometer, dipole_length: 95}}"};
  EXPECT_EQ(site.python_says.at("units"), "milliVolt per kilometer") << "the site knows";
  EXPECT_EQ(site.python_says.at("filters"), 0) << "those of the profile lead to microvolts";
}

TEST(Lemi424, ThatWasSendingAlreadyGetsAnotherRunWhenItHasAnswered) {
  support::TcpPeer peer;
  support::Recording recording{support::Recording::tcp(peer.port()),
                               {.source = "commands: {start: [{send: 'GET L1\\r\\n', answer: '%L1 =', timeout: 1h}]}\n"
                                          "channels: {e1: {dipole_length: 50}}\n"}};
  ASSERT_TRUE(peer.accept());
  const auto in_run = [](const char* end) {
    return [end](const auto& s) { return s.at("run").is_string() && s.at("run").template get<std::string>().ends_with(end); };
  };
  ASSERT_TRUE(peer.send(support::numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_until(in_run("1"))) << recording.log();
  ASSERT_TRUE(peer.send("%L1 = 1.000000e+00\r\n" + support::numbered_lines(5, 10)));
  ASSERT_TRUE(recording.wait_until(in_run("2"))) << recording.log();
  ASSERT_TRUE(peer.send("%L1 = 2.500000e+01\r\n" + support::numbered_lines(10, 20)));
  ASSERT_TRUE(recording.wait_until(in_run("3"))) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const mth5::Reader file{recording.file()};
  EXPECT_EQ(file.filters().size(), 1u);
  std::vector<std::string> found;
  std::int64_t samples = 0;
  for (std::size_t i = 0; i < file.channels().size(); ++i)
    if (file.channels()[i].component == "e1") found.push_back(file.channel_metadata(i).text("units"));
  for (const auto& run : file.runs()) samples += run.n_samples;
  EXPECT_THAT(found, testing::ElementsAre("microVolt", "microVolt", "milliVolt per kilometer"));
  EXPECT_EQ(samples, 20);
}

}  // namespace
