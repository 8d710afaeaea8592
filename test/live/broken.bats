load ../lib/live
load ../lib/broken

@test "live: a build that fails leaves everything as it was" { broken 1.3.1 ''; }
# bats test_tags=postgres
@test "live: a migration that fails leaves everything as it was" { broken 1.3.2 'v1.3.2/'; }
# bats test_tags=postgres
@test "live: a release that answers 500 goes back, with its migration" { broken 1.3.3 'no good answer within 5 s'; }
@test "live: a release that answers 500 goes back, without a migration" { broken 1.3.7 'no good answer within 5 s'; }
# bats test_tags=postgres
@test "live: a release that crashes after it answered goes back, with its migration" { broken 1.3.4 ''; }
