/// The example of libmth5/README.md, word for word: docs_test.sh compares the two.
#include <gtest/gtest.h>

#include "support/support.hpp"

// begin of libmth5/README.md
#include "mth5/file.hpp"
#include "mth5/reader.hpp"

void record(const std::filesystem::path& path) {
  mth5::Metadata survey{mth5::Kind::Survey};
  survey.set("id", "TEST");
  mth5::Metadata station{mth5::Kind::Station};
  station.set("id", "MT001");
  station.set("location.latitude", 40.5);
  station.set("location.longitude", -115.1);
  mth5::Metadata settings{mth5::Kind::Run};
  settings.set("id", "sr1_0001");
  settings.set("sample_rate", 1.0);  // Hz
  mth5::ChannelSpec ex{mth5::Metadata{mth5::Kind::Electric}, mth5::SampleType::Float64};
  ex.metadata.set("component", "ex");
  ex.metadata.set("units", "milliVolt per kilometer");
  mth5::ChannelSpec hy{mth5::Metadata{mth5::Kind::Magnetic}, mth5::SampleType::Float64};
  hy.metadata.set("component", "hy");
  hy.metadata.set("units", "nanoTesla");
  const mth5::ChannelSpec channels[] = {ex, hy};

  auto file = mth5::File::create(path);  // never replaces a file that exists
  mth5::RunId run;
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey);
    edit.add_station("TEST", station);
    run = edit.add_run("TEST", "MT001", settings, *mth5::parse_time("2026-05-01T00:00:00Z"), channels);
  });
  file.start_swmr();  // from here on readers may come and go

  const double samples[2][3] = {{1.5, 1.6, 1.7}, {-20.0, -20.1, -20.2}};  // all channels of the run, three samples each
  file.append(run, mth5::Matrix<const double>{samples[0], 2, 3, 3});
  file.flush();  // visible to readers
  file.sync();   // on the medium
  file.close();  // final times; errors are thrown here, not in the destructor
}

double last_sample(const std::filesystem::path& path, const std::string& component) {
  mth5::Reader reader{path};  // live or closed
  reader.refresh();           // what has come since it was opened, new runs too
  const auto& channels = reader.channels();
  for (std::size_t i = channels.size(); i-- > 0;)
    if (channels[i].component == component && channels[i].n_samples > 0)
      return reader.read(i, channels[i].n_samples - 1, 1).front();
  throw mth5::FileError{path.string() + ": has no sample of " + component};
}
// end of libmth5/README.md

namespace {

TEST(LibraryReadme, ItsExampleWritesWhatItReads) {
  const support::TempDir dir;
  record(dir / "example.h5");
  EXPECT_EQ(last_sample(dir / "example.h5", "ex"), 1.7);
  EXPECT_EQ(last_sample(dir / "example.h5", "hy"), -20.2);
  EXPECT_THROW(last_sample(dir / "example.h5", "hx"), mth5::FileError);
}

}  // namespace
