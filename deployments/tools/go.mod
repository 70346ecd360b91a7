module github.com/vedette/vedette/deployments/tools

go 1.26.0
